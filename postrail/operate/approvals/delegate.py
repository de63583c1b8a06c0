"""Lets a person answer approval requests for another for a time, and ends that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.approvals import delegations, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.ledger import Channel
from postrail.approvals.request import AssignmentState, ClosedBecause
from postrail.configuration.load import load_snapshot
from postrail.effects.approvals.ask import tell_closed
from postrail.effects.approvals.delegates import ask_delegate, lock_requests
from postrail.errors import PermanentError
from postrail.notifications.entries import queued_entries
from postrail.operate.approvals.told import told_by
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.persons import known_person
from postrail.outgoing.held import HeldDelivery
from postrail.records import OutgoingQueued
from postrail.stream import outbox
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

    When the delegation begins, the delegate is asked about the open requests that wait for the
    other, and then about each that is made while it holds. Only the operator and the person who
    delegates may do it. Raises PersonNotFound, NotAllowed and DelegationRefused.
    """
    async with desk.transaction() as connection:
        absent = await known_person(connection, delegator)
        present = await known_person(connection, to)
        _require_own(actor, absent.address)
        _check(absent.address, present.address, begins_at, ends_at, desk.now)
        delegation = await delegations.add(
            connection,
            absent.address,
            present.address,
            begins_at=begins_at,
            ends_at=ends_at,
            made_by=actor.address,
            now=desk.now,
        )
        asked = await ask_delegate(
            connection,
            await load_snapshot(connection),
            delegation,
            desk.message_id_key,
            desk.now,
            channel=Channel(actor.channel),
            actor=actor.address,
        )
        mails = list(asked.mails)
        await outbox.add(connection, queued_entries(mails), desk.now)
        notified, held = await told_by(connection, mails)
    return Delegated(
        delegation=delegation,
        asked_about=tuple(one.key for one in sorted(asked.requests, key=lambda one: one.number)),
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
        requests = await lock_requests(connection, parts)
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
