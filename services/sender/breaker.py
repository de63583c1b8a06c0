"""Keeps a mail server that is away from being asked again by every mail. Pure but for its state."""

from __future__ import annotations

from datetime import datetime, timedelta

from postrail.retry import backoff_seconds

PROBE_BASE_SECONDS = 2.0
PROBE_MAX_SECONDS = 60.0


class Breaker:
    """Closed while the server takes mail; open after a fault, when one mail at a time probes."""

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at: datetime | None = None
        # Why it is open; empty while it is closed.
        self.reason = ""

    @property
    def is_open(self) -> bool:
        """Whether the last thing heard of the server was a fault."""
        return self._probe_at is not None

    def allowed(self, now: datetime, busy: int, most: int) -> int:
        """How many more mails may be tried now, while `busy` of at most `most` are under way."""
        if self._probe_at is None:
            return max(most - busy, 0)
        return 1 if busy == 0 and now >= self._probe_at else 0

    def failed(self, now: datetime, reason: str) -> datetime:
        """The server could not be used; returns when it is tried again."""
        self.reason = reason
        # Mails that were under way together fail together: that is one failure.
        if self._probe_at is None or now >= self._probe_at:
            self._failures += 1
            seconds = backoff_seconds(self._failures, PROBE_BASE_SECONDS, PROBE_MAX_SECONDS)
            self._probe_at = now + timedelta(seconds=seconds)
        return self._probe_at

    def succeeded(self) -> None:
        """The server answered."""
        self._failures = 0
        self._probe_at = None
        self.reason = ""
