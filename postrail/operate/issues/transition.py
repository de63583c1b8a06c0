"""Moves an issue to another status."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.configuration.models.project import Status
from postrail.operate.approvals.status import needs_request, request_status
from postrail.operate.approvals.told import told_by
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, acting
from postrail.operate.issues.fields import announce_progress, checked, set_values, values_of
from postrail.workflow import transitions
from postrail.workflow.rights import Act
from postrail.workflow.transitions import Progress, act_of, status_named
from postrail.workflow.values import InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Transitioned(Told):
    """The statuses of an issue before and after the act, and the resolution of a done one."""

    before: str
    status: str
    resolution: str | None
    # False for a status and resolution as they were.
    changed: bool
    # The request that must be approved first, such as A-12; "": none.
    request: str = ""


async def transition(
    desk: Desk, actor: Actor, issue_key: str, status: str, *, resolution: str = ""
) -> Transitioned:
    """Moves the issue to the status; its watchers are notified when it becomes done, or undone.

    A status that needs an approval takes the right to approve; others who may move issues request
    it, where the status has an approval setup, and the issue stays until it is approved. Raises as
    `acting` and `request_status` do, InvalidValue for an unknown status or an unfit resolution, and
    TransitionNotAllowed.
    """
    async with acting(desk, actor, Act.TRANSITION, issue_key) as act:
        wanted = status_named(act.project, status)
        act.act = act_of(wanted)
        values = await values_of(act)
        before = Progress(
            status=values["status"],
            resolution=values["resolution"],
            resolved_at=values["resolved"],
        )
        asks = wanted.name != before.status and needs_request(act, wanted)
        if not asks:
            act.require(act.act)
        given = await checked(act.connection, act.snapshot, act.project, {"resolution": resolution})
        after = transitions.transition(
            act.project, before, status, resolution=given["resolution"] or "", now=act.now
        )
        if asks:
            act.act = Act.TRANSITION
            return await _requested(desk, act, before, wanted, resolution)
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


async def _requested(
    desk: Desk, act: ActInProgress, before: Progress, wanted: Status, resolution: str
) -> Transitioned:
    """Requests the approval of the status; the issue stays as it is."""
    if resolution:
        raise InvalidValue(
            f"{wanted.name!r} must be approved first, and a resolution is given afterwards",
            remedy="Leave out the resolution",
        )
    begun = await request_status(act, desk, before.status, wanted)
    notified, held = await told_by(act.connection, begun.mails)
    return Transitioned(
        issue_key=act.issue.issue_key,
        before=before.status,
        status=before.status,
        resolution=before.resolution,
        changed=False,
        request=begun.request.key,
        notified=notified,
        held=held,
    )
