"""Makes the pauses after refused logins longer, as servers lock accounts out. Pure."""

from __future__ import annotations

FIRST_SECONDS = 300.0
LONGEST_SECONDS = 3600.0


class LoginPause:
    """The pause of one connection: five minutes, doubled by each refusal, at most an hour."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0

    def after_refusal(self, now: float) -> float:
        """Returns the seconds until the next login; refusals within a pause count as one."""
        if now >= self._until:
            self._seconds = min(max(FIRST_SECONDS, 2 * self._seconds), LONGEST_SECONDS)
            self._until = now + self._seconds
        return self._until - now

    def end(self) -> None:
        """Forgets the refusals: a login succeeded."""
        self._seconds = self._until = 0.0
