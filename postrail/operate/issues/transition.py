"""Moves an issue to another status."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.operate.issues.act import Actor, Desk, Told, acting
from postrail.operate.issues.fields import announce_progress, checked, set_values, values_of
from postrail.workflow import transitions
from postrail.workflow.rights import Act
from postrail.workflow.transitions import Progress, act_of, status_named


@dataclass(frozen=True, kw_only=True, slots=True)
class Transitioned(Told):
    """The statuses of an issue before and after the act, and the resolution of a done one."""

    before: str
    status: str
    resolution: str | None
    # False for a status and resolution as they were.
    changed: bool


async def transition(
    desk: Desk, actor: Actor, issue_key: str, status: str, *, resolution: str = ""
) -> Transitioned:
    """Moves the issue to the status; its watchers are notified when it becomes done, or undone.

    A status that needs an approval takes the right to approve. Raises as `acting` does,
    InvalidValue for an unknown status or an unfit resolution, and TransitionNotAllowed.
    """
    async with acting(desk, actor, Act.TRANSITION, issue_key) as act:
        wanted = status_named(act.project, status)
        act.act = act_of(wanted)
        act.require(act.act)
        values = await values_of(act)
        before = Progress(
            status=values["status"],
            resolution=values["resolution"],
            resolved_at=values["resolved"],
        )
        given = await checked(act.connection, act.snapshot, act.project, {"resolution": resolution})
        after = transitions.transition(
            act.project, before, status, resolution=given["resolution"] or "", now=act.now
        )
        new = {
            "status": after.status,
            "resolution": after.resolution,
            "resolved": after.resolved_at,
        }
        await set_values(act, values, new)
        announce_progress(act, values, new)
    return Transitioned(
        issue_key=act.issue.issue_key,
        before=before.status,
        status=after.status,
        resolution=after.resolution,
        changed=bool(act.changes),
        notified=act.notified,
        held=act.held,
    )
