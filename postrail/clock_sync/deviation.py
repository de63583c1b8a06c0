"""Reports a wrong clock of the machine: in the log, in a metric, and as not ready."""

from __future__ import annotations

from postrail.observe import metrics
from postrail.observe.health import Health
from postrail.observe.log import log

logger = log(__name__)

PART = "clock"
# A machine whose clock is kept by NTP is within a fraction of this.
REPORTED_SECONDS = 5.0
# A report ends below this, so that a clock at the limit is reported once.
ENDED_SECONDS = 4.0
NOT_READY_SECONDS = 60.0
REMEDY = "Correct the wrong clock, and let NTP keep it: timedatectl set-ntp true"


def described(ahead_seconds: float, server: str) -> str:
    """Says how far this machine's clock is ahead of a server's, or behind it."""
    direction = "ahead of" if ahead_seconds > 0 else "behind"
    return f"this machine's clock is {abs(ahead_seconds):.0f} s {direction} {server}'s"


class Deviation:
    """Compares the machine's clock with the server's time, and reports when that changes."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._reported = False

    def report(self, ahead_seconds: float, server: str) -> None:
        """Takes a new comparison; positive seconds are those of a machine that is ahead."""
        metrics.set_clock_offset(ahead_seconds)
        limit = ENDED_SECONDS if self._reported else REPORTED_SECONDS
        wrong = abs(ahead_seconds) > limit
        if wrong and not self._reported:
            logger.warning(
                "the machine's clock is wrong",
                reason=described(ahead_seconds, server),
                remedy=f"{REMEDY}. Until then the work goes on by {server}'s time",
            )
        elif self._reported and not wrong:
            logger.info("the machine's clock is right again", server=server)
        self._reported = wrong
        self._show(ahead_seconds, server)

    def _show(self, ahead_seconds: float, server: str) -> None:
        if abs(ahead_seconds) > NOT_READY_SECONDS:
            self._health.down(PART, f"{described(ahead_seconds, server)}. {REMEDY}")
        else:
            self._health.up(PART)
