"""Decides when a child process that has ended is started again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from postrail.embedded.processes import ChildEndedError
from postrail.errors import PipelineError
from postrail.retry import backoff_seconds

RESTART_BASE_SECONDS = 1.0
RESTART_MAX_SECONDS = 30.0
# A child that ran for this long did not fail at its start: it is restarted quickly again.
STEADY_SECONDS = 60.0
# The errors of a start that may succeed later: a full disk, no memory, a server that is slow.
START_ERRORS = (PipelineError, OSError, subprocess.SubprocessError)
DISK_FULL = "No space left on device"


class RestartPlan:
    """The time of the next start of one child; the pauses grow while it fails."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._started_at: float | None = None
        self._due_at: float | None = None

    @property
    def planned(self) -> bool:
        """Tells whether its end was noticed already."""
        return self._due_at is not None

    @property
    def due(self) -> bool:
        """Tells whether the pause is over."""
        return self._due_at is not None and self._monotonic() >= self._due_at

    def started(self) -> None:
        """Notes that it was started."""
        self._started_at, self._due_at = self._monotonic(), None

    def failed(self) -> float:
        """Plans the next start after an end or a failed start; returns the pause in seconds."""
        now = self._monotonic()
        steady = self._started_at is not None and now - self._started_at > STEADY_SECONDS
        self._failures = 1 if steady else self._failures + 1
        self._started_at = None
        seconds = backoff_seconds(self._failures, RESTART_BASE_SECONDS, RESTART_MAX_SECONDS)
        self._due_at = now + seconds
        return seconds


def start_problem(error: Exception) -> str:
    """Returns why a child could not be started, in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}"
    if isinstance(error, ChildEndedError):
        exit_code = "takes too long" if error.exit_code is None else f"exit code {error.exit_code}"
        return f"{exit_code}: {_telling_line(error.log_tail)}. {error.remedy}"
    return str(error)


def _telling_line(log_tail: str) -> str:
    """Returns the last line of a log that names a full disk, else its last line."""
    lines = log_tail.splitlines() or ["its log is empty"]
    return next((line for line in reversed(lines) if DISK_FULL in line), lines[-1])
