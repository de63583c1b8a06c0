"""Which files nobody writes to any more, judged by their size and time. Pure but for the clock."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime

from postrail.clock import Clock

UNCHANGED_SECONDS = 2.0


class FinishedFiles:
    """Remembers files whose times do not say it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, tuple[int, int, datetime]] = {}

    def is_finished(self, name: str, status: os.stat_result) -> bool:
        """Whether the file has stayed the same for a while.

        One whose time lies in the future (another machine's clock) is looked at twice.
        """
        now = self._clock.now()
        if status.st_mtime <= now.timestamp() - UNCHANGED_SECONDS:
            return True
        size, time, since = self._since.get(name, (-1, -1, now))
        if (size, time) != (status.st_size, status.st_mtime_ns):
            since = now
        self._since[name] = (status.st_size, status.st_mtime_ns, since)
        return (now - since).total_seconds() >= UNCHANGED_SECONDS

    def forget_all_but(self, names: Collection[str]) -> None:
        """Only these are there still."""
        self._since = {name: kept for name, kept in self._since.items() if name in names}
