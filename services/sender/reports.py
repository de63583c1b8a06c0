"""Reports recorded results to the progress and the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.observe.log import log
from postrail.outgoing.results import AttemptResult
from postrail.stream.progress import Counts

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
