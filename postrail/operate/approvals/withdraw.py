"""Withdraws approval requests: answers to them decide nothing any more."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.approvals import store
from postrail.approvals.ledger import EventKind
from postrail.approvals.request import AssignmentState, ClosedBecause, State
from postrail.operate.approvals.act import Asked, RequestInHand, acting_on
from postrail.operate.issues.act import Actor, Desk


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawn(Asked):
    """A request that was withdrawn; those who were asked are told."""


async def withdraw(desk: Desk, actor: Actor, key: str, *, reason: str = "") -> Withdrawn:
    """Withdraws an open request; those who were asked and have not answered are told.

    Raises as `acting_on` does.
    """
    async with acting_on(desk, actor, key) as act:
        await withdraw_in(act, reason)
    return Withdrawn(key=act.request.key, notified=act.notified, held=act.held)


async def withdraw_in(act: RequestInHand, reason: str) -> None:
    """Closes the request and its open parts, within an act."""
    request_id = act.request.request_id
    asked = [one for one in act.assignments if one.state is AssignmentState.ASKED]
    await store.close_assignments(
        act.connection,
        [one.assignment_id for one in act.assignments],
        ClosedBecause.WITHDRAWN,
    )
    await store.close_request(act.connection, request_id, State.WITHDRAWN, "", act.now)
    act.note(EventKind.WITHDRAWN, reason=reason)
    await act.tell_closed(asked, ClosedBecause.WITHDRAWN)
