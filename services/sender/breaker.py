"""Pauses an unavailable mail server's messages, and probes it with one message at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from postrail.retry import backoff_seconds

PROBE_BASE_SECONDS = 2.0
PROBE_MAX_SECONDS = 60.0
# Without a probe for as long after it was due, nothing is known of the server.
SILENCE = timedelta(seconds=2 * PROBE_MAX_SECONDS)


class Breaker:
    """Closed while the server answers; open after a fault, with single messages as probes."""

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at: datetime | None = None
        # The last fault; empty while the breaker is closed.
        self.reason = ""
        # The time of the first fault; None while the breaker is closed.
        self.since: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Returns whether the last attempt met a fault of the server."""
        return self._probe_at is not None

    def may_be_tried(self, now: datetime) -> bool:
        """Tells whether the server answers, as far as is known, or is due to be asked again."""
        return self._probe_at is None or now >= self._probe_at

    @property
    def probe_at(self) -> datetime | None:
        """Returns the time from which a message may probe the server; None while it is closed."""
        return self._probe_at

    def unavailable_since(self, now: datetime) -> datetime | None:
        """Returns the time of the first fault, unless the server has not been tried for a while."""
        known = self._probe_at is not None and now <= self._probe_at + SILENCE
        return self.since if known else None

    def allowed(self, now: datetime, busy: int, most: int) -> int:
        """Returns the number of messages to start while `busy` of at most `most` are in flight."""
        if self._probe_at is None:
            return max(most - busy, 0)
        return 1 if busy == 0 and now >= self._probe_at else 0

    def failed(self, now: datetime, reason: str, after_seconds: float = 0.0) -> datetime:
        """Notes a fault of the server; returns the time of the next probe.

        It is not before the pause that the server asks for.
        """
        self.reason = reason
        self.since = self.since or now
        # Messages that were in flight together fail together: that is one failure.
        if self._probe_at is None or now >= self._probe_at:
            self._failures += 1
            seconds = backoff_seconds(self._failures, PROBE_BASE_SECONDS, PROBE_MAX_SECONDS)
            self._probe_at = now + timedelta(seconds=max(seconds, after_seconds))
        return self._probe_at

    def probe_now(self) -> None:
        """Lets the next message be a probe at once."""
        if self._probe_at is not None:
            self._probe_at = datetime.min.replace(tzinfo=self._probe_at.tzinfo)

    def succeeded(self) -> None:
        """Closes the breaker: the server answered."""
        self._failures = 0
        self._probe_at = None
        self.reason = ""
        self.since = None
