"""Runs a service under cProfile: `python -m bench.profiled SERVICE FILE`.

Each thread has its own profile of CPU time without waiting; they are summed up in FILE when the
service ends by SIGTERM.
"""

from __future__ import annotations

import cProfile
import pstats
import runpy
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from postrail import process

PROFILES: list[cProfile.Profile] = []


def begin() -> cProfile.Profile:
    """Profiles the calling thread from now on."""
    profile = cProfile.Profile(time.thread_time)
    PROFILES.append(profile)
    profile.enable()
    return profile


def profile_threads() -> None:
    """Profiles every thread that starts from now on."""
    run = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        profile = begin()
        try:
            run(thread)
        finally:
            profile.disable()

    threading.Thread.run = profiled  # type: ignore[method-assign, assignment]


def write_before(end: Callable[[int], None], file: str) -> Callable[[int], None]:
    """Returns a function that writes the profile before the service ends by os._exit."""

    def write_and_end(code: int) -> None:
        for profile in PROFILES:
            profile.create_stats()
        stats = pstats.Stats(PROFILES[0])
        for profile in PROFILES[1:]:
            if profile.getstats():
                stats.add(profile)
        stats.dump_stats(file)
        end(code)

    return write_and_end


def main() -> NoReturn:
    """Runs the service in this process."""
    service, file = sys.argv[1:]
    setattr(process, "_end", write_before(process._end, file))  # noqa: B010
    profile_threads()
    begin()
    runpy.run_module(f"services.{service}", run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    main()
