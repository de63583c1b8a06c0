"""Applies MarkDelivery and Suppress: what reports say about deliveries and their addresses."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import DeliveryEvent, MarkDelivery, Suppress
from postrail.effects.batch import Context, Made, Work
from postrail.incoming.queue import DueMail
from postrail.outgoing import reports, suppressions
from postrail.outgoing.reports import Report

# Their recipients may be suppressed now.
BOUNCES = (DeliveryEvent.HARD, DeliveryEvent.SOFT)


async def mark_deliveries(context: Context, works: Sequence[Work[MarkDelivery]]) -> list[Made]:
    """Notes each report on its delivery; it makes nothing that people are told of."""
    await reports.note(context.connection, [_report(work.due, work.effect) for work in works])
    bounced = [one.effect.outgoing_id for one in works if one.effect.event in BOUNCES]
    await suppressions.check_reach(context.connection, bounced, context.now)
    return []


async def suppress_addresses(context: Context, works: Sequence[Work[Suppress]]) -> list[Made]:
    """Takes each address out of use, in one order against deadlocks."""
    for work in sorted(works, key=lambda work: work.effect.address.lower()):
        effect, mail_id = work.effect, work.due.mail.mail_id
        await suppressions.suppress(
            context.connection, effect.address, effect.reason, mail_id, context.now
        )
    return []


def _report(due: DueMail, effect: MarkDelivery) -> Report:
    return Report(
        outgoing_id=effect.outgoing_id,
        recipient=effect.recipient,
        event=effect.event,
        status=effect.status,
        status_class=effect.status_class,
        reason=effect.reason,
        address=effect.address,
        mail_id=due.mail.mail_id,
        reported_at=due.mail.received_at or due.mail.fetched_at,
    )
