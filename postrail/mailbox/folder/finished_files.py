"""Decides by size and time which files are no longer written to. Pure but for the clock."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime

from postrail.clock import Clock

UNCHANGED_SECONDS = 2.0


class FinishedFiles:
    """Remembers the files whose times alone do not decide it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, tuple[int, int, datetime]] = {}

    def is_finished(self, name: str, status: os.stat_result) -> bool:
        """Returns whether the file has not changed for UNCHANGED_SECONDS.

        A file whose time is in the future (of another machine's clock) is compared over two polls.
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
        """Forgets the files that are gone."""
        self._since = {name: kept for name, kept in self._since.items() if name in names}
