"""Runs a module in a process whose machine's clock is wrong, and may be set while it runs.

    python -m tests.processes.faulty.shifted_clock FILE MODULE [ARGUMENT…]

FILE is that of a `Shift`. The clocks that nobody can set, of which CLOCK_BOOTTIME is one, are left
alone; so are the times of files, and the event loop's timers.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import runpy
import struct
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

SECONDS = struct.Struct("d")


class Shift:
    """How far the clock of a process is ahead, in a file that the process reads each time."""

    def __init__(self, file: Path, seconds: float = 0.0) -> None:
        file.write_bytes(SECONDS.pack(seconds))
        self.file = file

    def command(self, module: str, *arguments: str) -> list[str]:
        """Returns the arguments for Python that run a module by this clock."""
        return ["-m", "tests.processes.faulty.shifted_clock", str(self.file), module, *arguments]

    def set(self, seconds: float) -> None:
        """Sets the clock, at once."""
        with self.file.open("r+b") as file:
            file.write(SECONDS.pack(seconds))


def shift_clocks(seconds: Callable[[], float]) -> None:
    """Makes all that tells the machine's time wrong by a number of seconds."""
    real_time, real_time_ns, real_gettime = time.time, time.time_ns, time.clock_gettime
    real_now = datetime.now

    def now(_: type[datetime], tz: tzinfo | None = None) -> datetime:
        return real_now(tz) + timedelta(seconds=seconds())

    def gettime(clock: int) -> float:
        return real_gettime(clock) + (seconds() if clock == time.CLOCK_REALTIME else 0.0)

    time.time = lambda: real_time() + seconds()
    time.time_ns = lambda: real_time_ns() + int(seconds() * 1e9)
    time.clock_gettime = gettime
    _replace_in(datetime, "now", classmethod(now))


def _replace_in(kind: type, name: str, value: Any) -> None:
    """Replaces a method of a class that is written in C; another class would be another type."""
    (methods,) = gc.get_referents(kind.__dict__)
    methods[name] = value
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def main() -> None:
    """Shifts the clocks, then runs the module as if it was started itself."""
    file, module = sys.argv[1:3]
    sys.argv[1:] = sys.argv[3:]
    with Path(file).open("r+b") as opened:
        shared = mmap.mmap(opened.fileno(), SECONDS.size)
    shift_clocks(lambda: float(SECONDS.unpack_from(shared)[0]))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
