"""Withdraws approval requests: answers to them decide nothing any more."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.approvals.ledger import EventKind
from postrail.approvals.request import AssignmentState, ClosedBecause
from postrail.effects.approvals.conclude import end
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
    asked = [one for one in act.assignments if one.state is AssignmentState.ASKED]
    act.note(EventKind.WITHDRAWN, reason=reason)
    ended = await end(act.connection, act.snapshot, act.request, act.events, act.key, act.now)
    act.entries += ended.entries
    act.events.clear()
    await act.tell_closed(asked, ClosedBecause.WITHDRAWN)
