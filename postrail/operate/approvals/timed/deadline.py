"""Does what the deadline of a request means, once no answer from before it can be on its way.

An answer counts if its mail server received it before the deadline. So the deadline waits until the
mailbox was read whole after it, and until each message received before it has an outcome.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from postrail.approvals import store
from postrail.approvals.ledger import Channel, EventKind, NewEvent
from postrail.approvals.request import AtDeadline, Meaning, Request, State
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.conclude import Concluded, end
from postrail.incoming.fetched import has_unhandled
from postrail.mailbox_state import last_contact
from postrail.operate.approvals.timed.escalate import DEADLINE_PASSED, escalate
from postrail.timers import queue as timers
from postrail.timers.queue import Timer

# An outage of the mail server holds a deadline up for this time at most.
WAIT_MAX = timedelta(hours=24)
WAIT_POLL = timedelta(seconds=10)


async def meet_deadline(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    timer: Timer,
    key: bytes,
    now: datetime,
) -> Concluded | None:
    """Ends the request of the timer, or asks others; None where nothing follows, or not yet.

    The key of the timer is the id of the request.
    """
    request = (await store.by_id(connection, [timer.key])).get(timer.key)
    if request is None or request.state is not State.OPEN or request.deadline is None:
        return None
    if now < request.deadline:
        await timers.move(connection, timer, request.deadline)
        return None
    in_time = now < request.deadline + WAIT_MAX
    if in_time and await _answers_may_come(connection, snapshot, request, request.deadline):
        await timers.move(connection, timer, now + WAIT_POLL)
        return None
    request = (await store.lock(connection, [timer.key]))[timer.key]
    if request.state is not State.OPEN:
        return None
    if request.at_deadline is AtDeadline.ESCALATE and (
        escalated := await escalate(connection, snapshot, request, timer, key, now)
    ):
        return escalated
    return await end(connection, snapshot, request, [_ending(request, now)], key, now)


async def _answers_may_come(
    connection: Connection, snapshot: ConfigurationSnapshot, request: Request, deadline: datetime
) -> bool:
    """Tells whether an answer may have come before the deadline that nobody has read yet."""
    setup = snapshot.approval_setups.get(request.setup)
    if setup is None:
        return False
    read_until = await last_contact.read_until(connection, setup.account)
    if read_until is None or read_until < deadline:
        return True
    return await has_unhandled(connection, setup.account, deadline)


def _ending(request: Request, now: datetime) -> NewEvent:
    rejections = [one for one in request.choices if one.meaning is Meaning.REJECT]
    rejects = request.at_deadline is AtDeadline.REJECT and rejections
    return NewEvent(
        request_id=request.request_id,
        happened_at=now,
        kind=EventKind.DECIDED if rejects else EventKind.EXPIRED,
        channel=Channel.TIMER,
        choice=rejections[0].name if rejects else "",
        reason=DEADLINE_PASSED,
    )
