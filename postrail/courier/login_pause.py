"""Makes the pauses after refused logins longer, as servers lock accounts out. Pure."""

from __future__ import annotations

from postrail.wire.faults import LoginRefused

FIRST_SECONDS = 300.0
LONGEST_SECONDS = 3600.0


class LoginPause:
    """The pause of one connection: five minutes, doubled by each refusal, at most an hour."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0
        self._refusal: LoginRefused | None = None

    def require_over(self, now: float) -> None:
        """Raises the last refusal again during its pause.

        Other messages may go over a connection that was logged in before.
        """
        if self._refusal is not None and now < self._until:
            raise self._refusal.again(self._until - now)

    def begin(self, refusal: LoginRefused, now: float) -> LoginRefused:
        """Returns the refusal with its pause; refusals within a pause count as one."""
        if now >= self._until:
            self._seconds = min(max(FIRST_SECONDS, 2 * self._seconds), LONGEST_SECONDS)
            self._until = now + self._seconds
        self._refusal = refusal
        return refusal.again(self._until - now)

    def end(self) -> None:
        """Forgets the refusals: a login succeeded."""
        self._seconds = self._until = 0.0
        self._refusal = None
