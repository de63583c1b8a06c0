"""Identifies processes beyond the reuse of their pids, and ends those that an earlier run left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """Identifies one process; a pid alone may be reused by another one."""

    pid: int
    # The boot and the start time as the system spells them; only compared, never parsed.
    started: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Returns the process that has this pid now; None if it has ended, also as a zombie."""
        started = _start_time(pid)
        return cls(pid, started) if started else None

    @property
    def alive(self) -> bool:
        """Tells whether this process still runs."""
        return ProcessId.of(self.pid) == self


def _start_time(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return _start_time_of_linux(pid)
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def _start_time_of_linux(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # proc(5): the name in brackets may contain brackets, so count from the last one.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot}:{fields[18]}"


def end_orphan(pid_file: Path, *, wait_seconds: float = 20.0) -> ProcessId | None:
    """Ends the process that an earlier run left behind, but not another one that reuses its pid.

    Returns the process that it ended, if any. Removes the pid file.
    """
    orphan = _read_pid_file(pid_file)
    found = orphan if orphan is not None and orphan.alive else None
    if found is not None:
        end_process(found, signal.SIGTERM, wait_seconds)
    pid_file.unlink(missing_ok=True)
    return found


def _read_pid_file(pid_file: Path) -> ProcessId | None:
    try:
        content = json.loads(pid_file.read_text(encoding="utf-8"))
        return ProcessId(int(content["pid"]), str(content["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def end_process(process: ProcessId, first: signal.Signals, wait_seconds: float) -> None:
    """Sends `first` and waits; sends SIGKILL if the process still runs."""
    for number in (first, signal.SIGKILL):
        if not process.alive:
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        until(lambda: not process.alive, wait_seconds)


def until(condition: Callable[[], bool], wait_seconds: float, *, every: float = 0.02) -> bool:
    """Waits for the condition; returns False when it does not hold within the time."""
    deadline = time.monotonic() + wait_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
