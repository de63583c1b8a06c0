"""Takes addresses out of use that the mail server refuses as dead, as a hard bounce does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection
from postrail.outgoing import reports, suppressions
from postrail.outgoing.reports import Report
from postrail.outgoing.results import AttemptResult

EVENT = "hard"


async def suppress_dead(
    connection: Connection, recorded: Sequence[AttemptResult], now: datetime
) -> None:
    """Notes the refusals on their deliveries, and suppresses the addresses.

    These in one order, so that two senders never wait for each other.
    """
    dead = [one for one in recorded if one.dead_address]
    await reports.note(connection, [_report(one, now) for one in dead])
    for one in sorted(dead, key=lambda one: one.claimed.recipient.lower()):
        reason = f"not delivered: {one.reply}"
        await suppressions.suppress(connection, one.claimed.recipient, reason, None, now)


def _report(one: AttemptResult, now: datetime) -> Report:
    return Report(
        outgoing_id=one.claimed.outgoing_id,
        recipient=one.claimed.recipient,
        event=EVENT,
        status=one.dead_address,
        status_class=one.dead_address[:1],
        reason=one.reply,
        address="",
        mail_id=None,
        reported_at=now,
    )
