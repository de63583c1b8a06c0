"""Asks delegates about the open requests that wait for the people they answer for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail import people
from postrail.approvals import delegations, ledger, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, AssignmentState, Request, State
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import ask
from postrail.effects.approvals.begin import part_of_delegate
from postrail.records import OutgoingQueued
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind
from postrail.tracker import issues


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegateAsked:
    """The requests about which a delegate is asked from now on, and the messages that ask."""

    requests: Sequence[Request] = ()
    # Stored already; the caller adds their records to the outbox.
    mails: Sequence[OutgoingQueued] = ()


async def ask_delegate(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    delegation: Delegation,
    key: bytes,
    now: datetime,
    *,
    channel: Channel,
    actor: str = "",
) -> DelegateAsked:
    """Gives the delegate a part in each open request that waits, or will wait, for the delegator.

    A delegation that begins later gets a timer; one that has ended asks nobody.
    """
    if delegation.begins_at > now:
        due_at = {str(delegation.delegation_id): delegation.begins_at}
        await timers.schedule(connection, TimerKind.APPROVAL_DELEGATION, due_at)
    if not delegation.holds(now):
        return DelegateAsked()
    given = [
        (request, part, added)
        for request, part in await _locked_open(connection, delegation.delegator)
        for added in await store.add_assignments(
            connection, request.request_id, [part_of_delegate(delegation, part.place)]
        )
    ]
    events = [_delegated(added, delegation, channel, actor, now) for _, _, added in given]
    await ledger.append(connection, events)
    mails: list[OutgoingQueued] = []
    for request, part, added in given:
        # The others are asked with the delegator, in their turn.
        if part.state is AssignmentState.ASKED:
            mails += await ask(connection, snapshot, request, [added], key, now, channel=channel)
    return DelegateAsked(requests=[request for request, _, _ in given], mails=mails)


async def begin_delegation(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    delegation_id: int,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Asks the delegate at the begin of a delegation, unless somebody has ended it before."""
    found = await delegations.by_id(connection, [delegation_id])
    delegation = found[delegation_id]
    asked = await ask_delegate(connection, snapshot, delegation, key, now, channel=Channel.TIMER)
    return list(asked.mails)


async def lock_requests(connection: Connection, parts: Sequence[Assignment]) -> dict[str, Request]:
    """Locks the requests of these parts, and before them their issues, against deadlocks."""
    ids = {one.request_id for one in parts}
    found = await store.by_id(connection, ids)
    about = {one.issue_id for one in found.values() if one.issue_id is not None}
    await issues.lock(connection, about)
    return await store.lock(connection, ids)


async def _locked_open(connection: Connection, delegator: str) -> list[tuple[Request, Assignment]]:
    """Locks the open requests of the person, and returns each with the person's part."""
    person = await people.find(connection, delegator)
    addresses = person.addresses if person else (delegator,)
    requests = await lock_requests(
        connection, await store.open_assignments_of(connection, addresses)
    )
    # They may have been answered until the locks were there.
    parts = await store.open_assignments_of(connection, addresses)
    return [
        (requests[one.request_id], one)
        for one in parts
        if not one.answers_for
        and one.request_id in requests
        and requests[one.request_id].state is State.OPEN
    ]


def _delegated(
    part: Assignment, delegation: Delegation, channel: Channel, actor: str, now: datetime
) -> NewEvent:
    return NewEvent(
        request_id=part.request_id,
        assignment_id=part.assignment_id,
        happened_at=now,
        kind=EventKind.DELEGATED,
        actor=actor,
        channel=channel,
        details=details_of(
            delegator=delegation.delegator,
            delegate=delegation.delegate,
            delegation_id=delegation.delegation_id,
        ),
    )
