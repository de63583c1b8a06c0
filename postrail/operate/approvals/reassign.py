"""Lets another person answer an approval request in the place of one who was asked."""

from __future__ import annotations

from dataclasses import dataclass

from postrail import people
from postrail.approvals import delegations, store
from postrail.approvals.ledger import EventKind
from postrail.approvals.request import Assignment, AssignmentState, ClosedBecause
from postrail.effects.approvals.approvers import approvers_named
from postrail.effects.approvals.ask import WAITING, asked_next
from postrail.effects.approvals.begin import parts_of
from postrail.effects.approvals.refused import RequestRefused
from postrail.operate.approvals.act import Asked, RequestInHand, acting_on
from postrail.operate.issues.act import Actor, Desk
from postrail.tracker.issues import Watcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Reassigned(Asked):
    """A request that asks another person now."""

    # The one who is asked no longer, and the one who is asked in that place.
    former: str
    approver: str
    # False: the new approver is asked later, once those before have approved.
    asked_now: bool


async def reassign(desk: Desk, actor: Actor, key: str, former: str, approver: str) -> Reassigned:
    """Asks the approver in the former one's place; an answer of the former one counts no more.

    Raises as `acting_on` does, and RequestRefused where the former one is not asked, or the
    approver is asked already.
    """
    async with acting_on(desk, actor, key) as act:
        given_up = await _open_part(act, former)
        new = await _new_approver(act, approver)
        # Delegates answer for the person, and not for the place.
        closed = [
            one
            for one in act.assignments
            if one.state in WAITING
            and one.place == given_up.place
            and given_up.address in (one.address, one.answers_for)
        ]
        await store.close_assignments(
            act.connection, [one.assignment_id for one in closed], ClosedBecause.REASSIGNED
        )
        act.note(
            EventKind.REASSIGNED,
            assignment_id=given_up.assignment_id,
            former=given_up.address,
            approver=new.address,
        )
        standing_in = await delegations.active(act.connection, [new.address], act.now)
        planned = await store.add_assignments(
            act.connection,
            act.request.request_id,
            [*parts_of([new], standing_in, first_place=given_up.place)],
        )
        others = [one for one in act.assignments if one not in closed]
        asked_now = [one for one in asked_next(act.request, [*others, *planned]) if one in planned]
        if asked_now:
            await act.ask(asked_now)
        told = [one for one in closed if one.state is AssignmentState.ASKED]
        await act.tell_closed(told, ClosedBecause.REASSIGNED)
    return Reassigned(
        key=act.request.key,
        former=given_up.address,
        approver=new.address,
        asked_now=bool(asked_now),
        notified=act.notified,
        held=act.held,
    )


async def _open_part(act: RequestInHand, former: str) -> Assignment:
    """Returns the open part of the person with this address; raises RequestRefused."""
    person = await people.find(act.connection, former)
    own = {former.strip().lower(), *(person.addresses if person else ())}
    for one in act.assignments:
        if one.state in WAITING and one.address in own and not one.answers_for:
            return one
    names = ", ".join(one.address for one in act.assignments if one.state in WAITING)
    raise RequestRefused(
        f"{former} is not among those whose answers to {act.request.key} are missing",
        remedy=f"Name one of these: {names}",
    )


async def _new_approver(act: RequestInHand, named: str) -> Watcher:
    """Returns the person to ask; raises RequestRefused for a group, and for one with a say."""
    found = await approvers_named(act.connection, act.snapshot, [named], "")
    if len(found) > 1:
        raise RequestRefused(
            f"{named} are {len(found)} people, and one takes the place of one",
            remedy="Name one person",
        )
    (new,) = found
    if any(one.address == new.address for one in act.assignments if _counts(one)):
        raise RequestRefused(
            f"{new.address} is an approver of {act.request.key} already",
            remedy="Name somebody else, or withdraw the request",
        )
    return new


def _counts(one: Assignment) -> bool:
    """Tells whether the approver of this part has a say of their own in the request."""
    return one.state is not AssignmentState.CLOSED and not one.answers_for
