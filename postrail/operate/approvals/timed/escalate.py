"""Asks others at a deadline, in the place of those who have not answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail import people
from postrail.approvals import delegations, ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    AtDeadline,
    ClosedBecause,
    NewAssignment,
    Request,
    Rule,
)
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import WAITING, ask, tell_closed
from postrail.effects.approvals.begin import parts_of
from postrail.effects.approvals.conclude import Concluded
from postrail.timers import queue as timers
from postrail.timers.queue import Timer
from postrail.tracker.issues import Watcher

DEADLINE_PASSED = "the deadline has passed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Who is asked no longer, and who is asked instead."""

    closed: Sequence[Assignment]
    new: Sequence[Watcher]
    # The place of the first of the new ones, or of all of them.
    place: int
    shares_place: bool


async def escalate(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    timer: Timer,
    key: bytes,
    now: datetime,
) -> Concluded | None:
    """Asks `escalate_to` until a second deadline, which is as far away as the first one was.

    None, and nothing is changed, where nobody would be asked who has not answered yet. The caller
    holds the request's lock; `timer` is that of its deadline.
    """
    parts = (await store.assignments(connection, [request.request_id]))[request.request_id]
    change = _change(request, parts, await _people(connection, request))
    if request.deadline is None or not change.new:
        return None
    deadline = now + (request.deadline - request.made_at)
    await store.escalated(connection, request.request_id, deadline)
    await timers.move(connection, timer, deadline)
    request = replace(request, deadline=deadline, at_deadline=AtDeadline.EXPIRE)
    closed = [one.assignment_id for one in change.closed]
    await store.close_assignments(connection, closed, ClosedBecause.ESCALATED)
    planned = await store.add_assignments(
        connection, request.request_id, await _new_parts(connection, change, now)
    )
    mails = await tell_closed(
        connection, snapshot, request, change.closed, ClosedBecause.ESCALATED, key, now
    )
    event = _event(request, change, now)
    events = await ledger.append(connection, [event])
    mails += await ask(connection, snapshot, request, planned, key, now, channel=Channel.TIMER)
    return Concluded(request=request, events=events, mails=mails)


async def _people(connection: Connection, request: Request) -> list[Watcher]:
    """Returns the people of `escalate_to`, without persons who are not active any more."""
    known = await people.by_address(connection, list(request.escalate_to))
    return [
        Watcher(address=address, name=person.name if person else "")
        for address in request.escalate_to
        if (person := known.get(address)) is None or person.active
    ]


def _change(request: Request, parts: Sequence[Assignment], to: Sequence[Watcher]) -> Change:
    """Returns whom to ask in the place of whom: with ORDER in that of the one whose turn it is.

    Who is asked already, or has answered, keeps the own part.
    """
    silent = [one for one in parts if one.state in WAITING]
    new_place = 1 + max((one.place for one in parts), default=0)
    if request.rule is Rule.ORDER:
        new_place = min((one.place for one in silent), default=new_place)
        silent = [one for one in silent if one.place == new_place]
    keeping = {
        one.address
        for one in parts
        if not one.answers_for and (one in silent or one.state is AssignmentState.ANSWERED)
    }
    return Change(
        closed=[one for one in silent if one.address not in {person.address for person in to}],
        new=[person for person in to if person.address not in keeping],
        place=new_place,
        shares_place=request.rule is Rule.ORDER,
    )


async def _new_parts(connection: Connection, change: Change, now: datetime) -> list[NewAssignment]:
    addresses = [one.address for one in change.new]
    standing_in = await delegations.active(connection, addresses, now)
    if not change.shares_place:
        return list(parts_of(change.new, standing_in, first_place=change.place))
    return [
        part
        for one in change.new
        for part in parts_of([one], standing_in, first_place=change.place)
    ]


def _event(request: Request, change: Change, now: datetime) -> NewEvent:
    return NewEvent(
        request_id=request.request_id,
        happened_at=now,
        kind=EventKind.ESCALATED,
        channel=Channel.TIMER,
        reason=DEADLINE_PASSED,
        details=details_of(
            instead_of=[one.address for one in change.closed],
            asked=[one.address for one in change.new],
            deadline=request.deadline.isoformat() if request.deadline else "",
        ),
    )
