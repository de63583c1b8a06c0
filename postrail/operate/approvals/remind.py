"""Reminds the people whose answers to an approval request are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail import people
from postrail.approvals.request import Assignment, AssignmentState
from postrail.effects.approvals.ask import asked_next
from postrail.effects.approvals.refused import RequestRefused
from postrail.operate.approvals.act import Asked, RequestInHand, acting_on
from postrail.operate.issues.act import Actor, Desk


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded(Asked):
    """A request whose missing answers were asked for again."""


async def remind(desk: Desk, actor: Actor, key: str, *, approver: str = "") -> Reminded:
    """Reminds those who were asked and have not answered, or the one approver.

    Asks those to whom no message could be sent before, because they were not active, say.
    Raises as `acting_on` does, and RequestRefused where the approver's answer is not missing.
    """
    async with acting_on(desk, actor, key) as act:
        asked = [one for one in act.assignments if one.state is AssignmentState.ASKED]
        waiting = [*asked, *asked_next(act.request, act.assignments)]
        if approver:
            waiting = await _of(act, waiting, approver)
        await act.remind([one for one in waiting if one in asked])
        if missed := [one for one in waiting if one not in asked]:
            await act.ask(missed)
    return Reminded(key=act.request.key, notified=act.notified, held=act.held)


async def _of(act: RequestInHand, waiting: Sequence[Assignment], named: str) -> list[Assignment]:
    person = await people.find(act.connection, named)
    own = {named.strip().lower(), *(person.addresses if person else ())}
    found = [one for one in waiting if one.address in own]
    if not found:
        raise RequestRefused(
            f"{named} is not among those whose answers to {act.request.key} are missing",
            remedy=f"Name one of these: {', '.join(one.address for one in waiting)}",
        )
    return found
