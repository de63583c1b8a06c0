"""The clock that the processes of an installation share: a server's time, told by steady seconds.

It never goes back, and does not follow the machine's own clock, whatever that is set to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postrail.clock import EPOCH, steady_seconds

# A correction is spread over time: the clock runs at half speed, or at one and a half.
CORRECTION_RATE = 0.5
# A clock that is further behind than this jumps forward.
JUMP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Course:
    """How the clock goes on from a moment: its reading there, and the correction to be made."""

    steady: float
    seconds: float
    correction: float

    def at(self, steady: float) -> float:
        """Returns the reading at a later moment, in seconds since 1970."""
        elapsed = max(0.0, steady - self.steady)
        largest = elapsed * CORRECTION_RATE
        return self.seconds + elapsed + max(-largest, min(self.correction, largest))


class SharedClock:
    """Tells the server's time by the last offset that was set. Safe to call from any thread.

    Until the first offset is set it tells the machine's time.
    """

    def __init__(
        self,
        *,
        steady: Callable[[], float] = steady_seconds,
        machine: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._steady = steady
        self._machine = machine
        self._course: _Course | None = None
        # The latest reading: rounding may make a later one smaller by a microsecond.
        self._latest = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Returns the server's time; never an earlier one than before, once it is set."""
        with self._lock:
            if self._course is None:
                return self._machine()
            self._latest = max(self._latest, self._course.at(self._steady()))
            return EPOCH + timedelta(seconds=self._latest)

    def steady(self) -> float:
        """Returns the machine's steady seconds."""
        return self._steady()

    async def sleep(self, seconds: float) -> None:
        """Waits, by the event loop's clock."""
        await asyncio.sleep(seconds)

    @property
    def is_set(self) -> bool:
        """Returns whether it tells a server's time."""
        return self._course is not None

    @property
    def machine_ahead_seconds(self) -> float:
        """Returns how far the machine's own clock is ahead of this one; negative when behind."""
        return (self._machine() - self.now()).total_seconds()

    def restart(self, offset: float) -> None:
        """Begins anew with the server's time less steady seconds; this alone may set it back."""
        with self._lock:
            steady = self._steady()
            self._course = _Course(steady, steady + offset, 0.0)
            self._latest = 0.0

    def correct(self, offset: float) -> None:
        """Goes over to a new offset: jumps far forward, and else runs slower or faster."""
        if self._course is None:
            self.restart(offset)
            return
        steady = self._steady()
        seconds = self._course.at(steady)
        correction = steady + offset - seconds
        if correction > JUMP_SECONDS:
            seconds, correction = seconds + correction, 0.0
        self._course = _Course(steady, seconds, correction)
