"""Lets a person answer approval requests for another for a time, and ends that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.approvals import delegations, ledger, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, AssignmentState, ClosedBecause, Request, State
from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import ask, tell_closed
from postrail.effects.approvals.begin import part_of_delegate
from postrail.errors import PermanentError
from postrail.notifications.entries import queued_entries
from postrail.operate.approvals.told import told_by
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.persons import known_person
from postrail.outgoing.held import HeldDelivery
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from postrail.tracker import issues
from postrail.workflow.rights import NotAllowed


class DelegationRefused(PermanentError):
    """The delegation cannot be made or ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegated:
    """A delegation, and the open requests about which the delegate is asked."""

    delegation: Delegation
    # Such as A-12, in the order of their numbers.
    asked_about: tuple[str, ...] = ()
    # The recipients of the messages that the services will send.
    notified: tuple[str, ...] = ()
    # Those whose messages wait until a person releases them.
    held: tuple[HeldDelivery, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegationEnded:
    """A delegation that has ended before its time, and the requests that it had a part in."""

    delegation: Delegation
    no_longer_asked_about: tuple[str, ...] = ()


async def delegate(
    desk: Desk, actor: Actor, delegator: str, to: str, begins_at: datetime, ends_at: datetime
) -> Delegated:
    """Lets one person answer for another from one time to another; both keep their own part.

    The delegate is asked at once about the open requests that wait for the other, if the delegation
    holds now, and about each that is made while it holds. Only the operator and the person who
    delegates may do it. Raises PersonNotFound, NotAllowed and DelegationRefused.
    """
    async with desk.transaction() as connection:
        absent = await known_person(connection, delegator)
        present = await known_person(connection, to)
        _require_own(actor, absent.address)
        _check(absent.address, present.address, begins_at, ends_at, desk.now)
        locked = await _locked_open(connection, list(absent.addresses))
        delegation = await delegations.add(
            connection,
            absent.address,
            present.address,
            begins_at=begins_at,
            ends_at=ends_at,
            made_by=actor.address,
            now=desk.now,
        )
        mails: list[OutgoingQueued] = []
        about: list[Request] = []
        snapshot = await load_snapshot(connection)
        if delegation.holds(desk.now):
            for request, part in locked:
                sent = await _ask_delegate(
                    connection, snapshot, desk, actor, request, part, delegation
                )
                mails += sent or ()
                about += [request] if sent is not None else []
        await outbox.add(connection, queued_entries(mails), desk.now)
        notified, held = await told_by(connection, mails)
    return Delegated(
        delegation=delegation,
        asked_about=tuple(one.key for one in sorted(about, key=lambda one: one.number)),
        notified=notified,
        held=held,
    )


async def end_delegation(desk: Desk, actor: Actor, delegation_id: int) -> DelegationEnded:
    """Ends a delegation before its time: what the delegate answers from now on decides nothing.

    Raises DelegationRefused for one that does not exist or has ended, and NotAllowed.
    """
    async with desk.transaction() as connection:
        found = (await delegations.by_id(connection, [delegation_id])).get(delegation_id)
        if found is None:
            raise DelegationRefused(
                f"there is no delegation {delegation_id}",
                remedy="List them with: postrail approvals delegations",
            )
        _require_own(actor, found.delegator)
        parts = await store.open_assignments_by(connection, delegation_id)
        requests = await _locked(connection, parts)
        ended = await delegations.end(connection, delegation_id, desk.now)
        if ended is None:
            raise DelegationRefused(
                f"delegation {delegation_id} has ended already",
                remedy="List them with: postrail approvals delegations --all",
            )
        closed = await store.close_assignments(
            connection, [one.assignment_id for one in parts], ClosedBecause.DELEGATION_ENDED
        )
        mails: list[OutgoingQueued] = []
        snapshot = await load_snapshot(connection)
        asked = {one.assignment_id for one in parts if one.state is AssignmentState.ASKED}
        for one in closed:
            if one.assignment_id in asked:
                mails += await tell_closed(
                    connection,
                    snapshot,
                    requests[one.request_id],
                    [one],
                    ClosedBecause.DELEGATION_ENDED,
                    desk.message_id_key,
                    desk.now,
                )
        await outbox.add(connection, queued_entries(mails), desk.now)
    numbers = sorted(requests[one.request_id].number for one in closed)
    return DelegationEnded(
        delegation=ended, no_longer_asked_about=tuple(f"A-{number}" for number in numbers)
    )


def _require_own(actor: Actor, delegator: str) -> None:
    if actor.address not in ("", delegator):
        raise NotAllowed(
            f"{actor.address} may not say who answers for {delegator}",
            remedy=f"{delegator} may, and the operator",
        )


def _check(delegator: str, to: str, begins_at: datetime, ends_at: datetime, now: datetime) -> None:
    if delegator == to:
        raise DelegationRefused(
            f"{delegator} cannot answer for themselves", remedy="Name two persons"
        )
    if ends_at <= max(begins_at, now):
        raise DelegationRefused(
            "the delegation ends before it begins" if ends_at <= begins_at else "its end is past",
            remedy="Give a later end",
        )


async def _locked_open(
    connection: Connection, addresses: Sequence[str]
) -> list[tuple[Request, Assignment]]:
    """Locks the open requests that wait, or will wait, for the person; with the person's parts."""
    parts = await store.open_assignments_of(connection, addresses)
    requests = await _locked(connection, parts)
    # They may have been answered until the locks were there.
    parts = await store.open_assignments_of(connection, addresses)
    return [
        (requests[one.request_id], one)
        for one in parts
        if not one.answers_for
        and one.request_id in requests
        and requests[one.request_id].state is State.OPEN
    ]


async def _locked(connection: Connection, parts: Sequence[Assignment]) -> dict[str, Request]:
    """Locks the requests of these parts, and before them their issues, against deadlocks."""
    ids = {one.request_id for one in parts}
    found = await store.by_id(connection, ids)
    await issues.lock(
        connection, {one.issue_id for one in found.values() if one.issue_id is not None}
    )
    return await store.lock(connection, ids)


async def _ask_delegate(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    desk: Desk,
    actor: Actor,
    request: Request,
    part: Assignment,
    delegation: Delegation,
) -> Sequence[OutgoingQueued] | None:
    """Gives the delegate a part, and asks them if the person was asked; None if they have one."""
    added = await store.add_assignments(
        connection, request.request_id, [part_of_delegate(delegation, part.place)]
    )
    if not added:
        return None
    await ledger.append(
        connection,
        [
            NewEvent(
                request_id=request.request_id,
                assignment_id=one.assignment_id,
                happened_at=desk.now,
                kind=EventKind.DELEGATED,
                actor=actor.address,
                channel=Channel(actor.channel),
                details=details_of(
                    delegator=delegation.delegator,
                    delegate=delegation.delegate,
                    delegation_id=delegation.delegation_id,
                ),
            )
            for one in added
        ],
    )
    if part.state is not AssignmentState.ASKED:
        return ()
    return await ask(
        connection,
        snapshot,
        request,
        added,
        desk.message_id_key,
        desk.now,
        channel=Channel(actor.channel),
    )
