"""Reports recorded results to the progress and the log, and unavailable servers to the health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.observe.health import Health
from postrail.observe.log import log
from postrail.outgoing.results import AttemptResult
from postrail.stream.progress import Counts
from services.sender.channels import Channel

logger = log(__name__)


def count_results(progress: Counts, recorded: Sequence[AttemptResult], now: datetime) -> None:
    """Counts and logs each result."""
    for result in recorded:
        claimed = result.claimed
        age = (now - claimed.received_at).total_seconds() if claimed.received_at else None
        progress.count(
            claimed.mailbox or "-",
            result.state,
            age_seconds=age if result.state == "sent" else None,
        )
        logger.info(
            "delivery",
            outgoing_id=claimed.outgoing_id,
            issue=claimed.issue_key,
            connection=claimed.connection,
            state=result.state,
            reply=result.reply,
            maybe_twice=result.maybe_twice,
        )


def show_channels(health: Health, channels: Sequence[Channel]) -> None:
    """Makes the process not ready while the servers of all channels are unavailable.

    One that is unavailable shows in the log and on its messages.
    """
    reasons = [channel.breaker.reason for channel in channels if channel.breaker.is_open]
    if channels and len(reasons) == len(channels):
        health.down("smtp", "; ".join(reasons))
    else:
        health.up("smtp")
