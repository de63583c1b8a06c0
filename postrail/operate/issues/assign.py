"""Assigns an issue to a person, or to nobody."""

from __future__ import annotations

from dataclasses import dataclass

from postrail import people
from postrail.notifications.events import assigned_to, assignment_to
from postrail.operate.issues.act import Actor, Desk, Told, acting
from postrail.operate.issues.fields import checked, set_values, values_of
from postrail.operate.issues.watch import watches
from postrail.workflow.rights import Act


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned(Told):
    """The assignees of an issue before and after the act; None: nobody."""

    before: str | None
    assignee: str | None


async def assign(desk: Desk, actor: Actor, issue_key: str, assignee: str | None) -> Assigned:
    """Assigns the issue to the active person with this address, who then watches it.

    Raises as `acting` does, and InvalidValue for an address that is not of an active person.
    """
    async with acting(desk, actor, Act.ASSIGN, issue_key) as act:
        before = await values_of(act)
        after = await checked(act.connection, act.snapshot, act.project, {"assignee": assignee})
        await set_values(act, before, after)
        new = after["assignee"]
        if act.changes and new:
            await watches(act, new)
            act.announce(assigned_to(new), before["description"])
            person = await people.find(act.connection, new)
            name = person.name if person else ""
            act.announce(assignment_to(name or new), before["description"], part="assignee")
    return Assigned(
        issue_key=act.issue.issue_key,
        before=before["assignee"],
        assignee=new,
        notified=act.notified,
        held=act.held,
    )
