"""Asks for the approval of a status that the author of a transition may not set."""

from __future__ import annotations

from postrail.approvals import store
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import Rule, State
from postrail.configuration.approvals.action import SUBJECT_MAX_CHARACTERS
from postrail.configuration.models.project import Project, Status
from postrail.effects.approvals.begin import Begun, begin
from postrail.effects.approvals.checks import subject_of
from postrail.errors import ConfigurationError
from postrail.notifications.entries import queued_entries
from postrail.operate.issues.act import ActInProgress, Desk
from postrail.operate.issues.fields import values_of
from postrail.stream import outbox
from postrail.workflow.rights import Act, may
from postrail.workflow.transitions import act_of

# The text of a request shows this much of the issue's description.
BODY_CHARACTERS = 4_000


def needs_request(act: ActInProgress, status: Status) -> bool:
    """Tells whether the actor may not set the status, and may ask for it."""
    return (
        bool(status.approval_setup)
        and not may(act.role, act_of(status), act.actor.channel)
        and may(act.role, Act.TRANSITION, act.actor.channel)
    )


async def request_status(act: ActInProgress, desk: Desk, before: str, status: Status) -> Begun:
    """Asks the approvers of the status to let the act's issue move there, unless they are asked.

    Raises as `begin` does. It takes the last lock of a transaction: call it at the act's end.
    """
    for request in await store.of_issue(act.connection, act.issue.issue_id):
        if request.state is State.OPEN and request.approved_status == status.name:
            return Begun(request=request, is_new=False)
    order = await _order(act, before, status)
    begun = await begin(act.connection, act.snapshot, order, desk.message_id_key, None, act.now)
    await outbox.add(act.connection, queued_entries(begun.mails), act.now)
    act.changed("approval", None, begun.request.key)
    return begun


async def _order(act: ActInProgress, before: str, status: Status) -> ApprovalOrder:
    values = await values_of(act)
    rule, needed = rule_named(status.approval_rule)
    # Reads well in every language.
    move = f": {before} → {status.name}"
    return ApprovalOrder(
        setup=status.approval_setup,
        subject=subject_of(values["summary"], SUBJECT_MAX_CHARACTERS - len(move)) + move,
        body=values["description"][:BODY_CHARACTERS],
        approvers=_approvers(act.project, status),
        rule=rule,
        needed=needed,
        issue_id=act.issue.issue_id,
        project=act.project.key,
        approved_status=status.name,
        requester_address=act.actor.address,
        requester_name=act.actor.name,
        origin="transition",
    )


def _approvers(project: Project, status: Status) -> tuple[str, ...]:
    """Returns those whom the status names, or else the leads and administrators."""
    named = status.approvers or [project.lead, *project.leads, *project.administrators]
    found = tuple(dict.fromkeys(one for one in named if one))
    if not found:
        raise ConfigurationError(
            f"nobody can approve {status.name!r} in project {project.key}",
            setting=f"projects: {project.key}: statuses: {status.name}: approvers",
            remedy="Name approvers there, or leads of the project, and run: postrail apply",
        )
    return found


def rule_named(text: str) -> tuple[Rule, int]:
    """Returns the rule of a setting, any, all, order or a number; and how many must approve."""
    return (Rule.COUNT, int(text)) if text.isdecimal() else (Rule(text), 1)
