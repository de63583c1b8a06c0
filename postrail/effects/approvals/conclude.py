"""Does what follows from the answers to a request, whether by mail, by a command or at a deadline.

Callers hold the request's lock (`store.lock`), which they take after those of issues and before
those of projects and persons. They add the entries, and the records of the messages, to the outbox.
The end of the ledger is locked here: callers write what they can before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail.approvals import ledger, store
from postrail.approvals.decided import decided_record
from postrail.approvals.ledger import Event, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, ClosedBecause, Request, State
from postrail.approvals.rule import Result, result_of
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import WAITING, ask, asked_next
from postrail.effects.approvals.callback import call_back
from postrail.effects.approvals.result import result_mail
from postrail.errors import TransientError
from postrail.records import OutgoingQueued
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import APPROVAL_DECIDED
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind
from postrail.tracker import issues

ENDINGS = {
    EventKind.DECIDED: (State.DECIDED, ClosedBecause.DECIDED),
    EventKind.EXPIRED: (State.EXPIRED, ClosedBecause.EXPIRED),
    EventKind.WITHDRAWN: (State.WITHDRAWN, ClosedBecause.WITHDRAWN),
}
IMPOSSIBLE = "no choice has enough answers, and nobody is left to ask"


@dataclass(frozen=True, kw_only=True, slots=True)
class Concluded:
    """What has followed: the request as it is now, and what the caller adds to the outbox."""

    request: Request
    # What was added to the ledger.
    events: Sequence[Event] = ()
    # Stored already.
    mails: Sequence[OutgoingQueued] = ()
    entries: Sequence[Entry] = ()


async def take_answer(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    event: NewEvent,
    key: bytes,
    now: datetime,
) -> Concluded:
    """Stores the answer that the event tells of, and does what follows from it.

    Others who could have answered in the same place are asked no longer. Raises TransientError for
    an approver who is not asked, or no longer.
    """
    stored = event.assignment_id is not None and await store.answered(
        connection,
        event.assignment_id,
        choice=event.choice,
        comment=event.comment,
        mail_id=event.mail_id,
        now=now,
    )
    if not stored:
        raise TransientError(f"{request.key} has changed since the answer was checked")
    parts = await _parts(connection, request)
    part = next(one for one in parts if one.assignment_id == event.assignment_id)
    others = [one.assignment_id for one in parts if one.place == part.place and one != part]
    await store.close_assignments(connection, others, ClosedBecause.ANSWERED_FOR)
    event = replace(event, details=details_of(address=part.address, answers_for=part.answers_for))
    return await conclude(connection, snapshot, request, [event], key, now)


async def conclude(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    events: Sequence[NewEvent],
    key: bytes,
    now: datetime,
) -> Concluded:
    """Decides an open request if its answers meet its rule, or asks whom it asks next.

    It expires as soon as no answer that may still come can meet the rule.

    `events` have happened to it, and its assignments show them already; the last one has led to
    what follows, which has its actor, channel and message. They are added to the ledger.
    """
    parts = await _parts(connection, request)
    result = result_of(request.rule, request.needed, request.choices, answers_of(parts))
    if ending := _ending(result, events[-1]):
        return await end(connection, snapshot, request, [*events, ending], key, now)
    added = await ledger.append(connection, events)
    following = asked_next(request, parts)
    if not following:
        return Concluded(request=request, events=added)
    channel = events[-1].channel
    mails = await ask(connection, snapshot, request, following, key, now, channel=channel)
    return Concluded(request=request, events=added, mails=mails)


def _ending(result: Result, last: NewEvent) -> NewEvent | None:
    """Returns the event that ends the request after the last one; None: it stays open."""
    if result.choice is not None:
        return replace(last, kind=EventKind.DECIDED, choice=result.choice.name)
    if result.impossible:
        return replace(last, kind=EventKind.EXPIRED, choice="", comment="", reason=IMPOSSIBLE)
    return None


async def end(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    events: Sequence[NewEvent],
    key: bytes,
    now: datetime,
) -> Concluded:
    """Ends an open request by the last of the events: one of ENDINGS, with the choice if decided.

    Those who are still asked are asked no longer. Nobody gets a message about a withdrawn request
    here; the system that has asked is always called back.
    Raises ValueError for a request that has ended already.
    """
    ending = events[-1]
    state, because = ENDINGS[ending.kind]
    if not await store.close_request(connection, request.request_id, state, ending.choice, now):
        raise ValueError(f"{request.key} has ended already")
    request = replace(request, state=state, choice=ending.choice, closed_at=now)
    waiting = [o.assignment_id for o in await _parts(connection, request) if o.state in WAITING]
    await store.close_assignments(connection, waiting, because)
    parts = await _parts(connection, request)
    mails: Sequence[OutgoingQueued] = ()
    if state is not State.WITHDRAWN:
        mails = await result_mail(connection, snapshot, request, parts, key, now)
        if request.issue_id is not None:
            due = {request.request_id: now}
            await timers.schedule(connection, TimerKind.APPROVAL_FOLLOW, due)
    issue_key = await _issue_key(connection, request)
    added = await ledger.append(connection, events)
    history = await ledger.events_of(connection, request.request_id)
    record = decided_record(request, parts, history, issue_key)
    await call_back(connection, request, record, now)
    entry = Entry(APPROVAL_DECIDED, request.request_id, avro.encode(record))
    return Concluded(request=request, events=added, mails=mails, entries=[entry])


async def _issue_key(connection: Connection, request: Request) -> str | None:
    if request.issue_id is None:
        return None
    found = (await issues.by_id(connection, [request.issue_id])).get(request.issue_id)
    return found.issue_key if found else None


async def _parts(connection: Connection, request: Request) -> list[Assignment]:
    return (await store.assignments(connection, [request.request_id]))[request.request_id]


def answers_of(parts: Sequence[Assignment]) -> dict[int, str | None]:
    """Returns the choice by place, as `result_of` wants them: in the order of the answers.

    A place where nobody has answered, and nobody is asked any more, has no part in it.
    """
    answered = sorted(
        (one.answered_at, one.assignment_id, one.place, one.choice)
        for one in parts
        if one.answered_at is not None
    )
    found: dict[int, str | None] = {place: choice for _, _, place, choice in answered}
    for one in parts:
        if one.state in WAITING:
            found.setdefault(one.place, None)
    return found
