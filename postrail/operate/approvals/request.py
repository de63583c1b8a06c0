"""Makes approval requests for people and systems, also in the place of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from postrail.approvals import store
from postrail.approvals.named import locked_request
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import AssignmentState, Request
from postrail.configuration.load import hold_projects, load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.begin import Seal, begin
from postrail.notifications.entries import queued_entries
from postrail.operate.approvals.act import (
    Asked,
    RequestInHand,
    require_may_change,
    require_open,
)
from postrail.operate.approvals.told import told_by
from postrail.operate.approvals.withdraw import withdraw_in
from postrail.operate.issues.act import Actor, Desk, locked_issues, role_in
from postrail.stream import outbox
from postrail.tracker.issues import IndexedIssue
from postrail.workflow.rights import require
from postrail.workflow.transitions import act_of, status_named


@dataclass(frozen=True, kw_only=True, slots=True)
class Requested(Asked):
    """A request that was made, or that an earlier order with the same key has made."""

    request_id: str
    # False: the idempotency key has made it before.
    is_new: bool
    # Those who are asked in their turn, once those before have approved.
    later: tuple[str, ...] = ()
    # The request that it takes the place of; "": none.
    replaces: str = ""


async def request_approval(
    desk: Desk,
    actor: Actor,
    order: ApprovalOrder,
    seal: Seal,
    *,
    issue_key: str = "",
    replaces: str = "",
) -> Requested:
    """Makes a request of the order, about the issue if one is given, and asks the approvers.

    With `replaces` an open request is withdrawn by it: what approvers are asked never changes.
    Without a requester in the order, it is the actor. Raises as `begin` does, IssueNotFound,
    RequestNotFound, RequestEnded, and NotAllowed for a status that the actor may not set.
    """
    async with desk.transaction() as connection:
        issue = None
        if issue_key:
            (issue,) = await locked_issues(connection, [issue_key])
        if replaces:
            # Against deadlocks, requests are locked after issues, and before projects.
            await locked_request(connection, replaces)
        if issue is not None:
            await hold_projects(connection, [issue.project])
        snapshot = await load_snapshot(connection)
        if issue is not None:
            await _require_statuses(connection, snapshot, actor, order, issue)
            order = replace(order, issue_id=issue.issue_id, project=issue.project)
        former = await _former(connection, snapshot, actor, replaces) if replaces else None
        begun = await begin(
            connection,
            snapshot,
            _of_requester(order, actor),
            desk.message_id_key,
            seal,
            desk.now,
        )
        mails, entries = list(begun.mails), []
        if former and begun.is_new:
            act = await _replace(connection, snapshot, desk, actor, former, begun.request)
            mails += act.mails
            entries = act.entries
        await outbox.add(connection, [*entries, *queued_entries(mails)], desk.now)
        notified, held = await told_by(connection, mails)
        found = await store.assignments(connection, [begun.request.request_id])
    return Requested(
        key=begun.request.key,
        request_id=begun.request.request_id,
        is_new=begun.is_new,
        notified=notified,
        held=held,
        later=tuple(
            one.address
            for one in found[begun.request.request_id]
            if one.state is AssignmentState.PLANNED
        ),
        replaces=former.key if former else "",
    )


def _of_requester(order: ApprovalOrder, actor: Actor) -> ApprovalOrder:
    """Returns the order with its requester: the actor, unless it names another."""
    if order.requester_address or not actor.address:
        return order
    return replace(order, requester_address=actor.address, requester_name=actor.name)


async def _require_statuses(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    actor: Actor,
    order: ApprovalOrder,
    issue: IndexedIssue,
) -> None:
    """Raises NotAllowed unless the actor might set the statuses that follow the decision.

    Otherwise, anybody could name the approver of a status that takes a lead.
    """
    project = snapshot.projects[issue.project]
    role = await role_in(connection, project, actor)
    for name in (order.approved_status, order.rejected_status):
        if name:
            act = act_of(status_named(project, name))
            require(role, act, actor.channel, who=actor.address, project=project.key)


async def _former(
    connection: Connection, snapshot: ConfigurationSnapshot, actor: Actor, key: str
) -> Request:
    """Locks and returns the request that the new one replaces."""
    former = await locked_request(connection, key)
    await require_may_change(connection, snapshot, actor, former)
    return former


async def _replace(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    desk: Desk,
    actor: Actor,
    former: Request,
    new: Request,
) -> RequestInHand:
    """Withdraws the former request; returns the act, with the messages that say so."""
    require_open(former)
    found = await store.assignments(connection, [former.request_id])
    act = RequestInHand(
        connection=connection,
        snapshot=snapshot,
        actor=actor,
        request=former,
        assignments=found[former.request_id],
        key=desk.message_id_key,
        now=desk.now,
    )
    await withdraw_in(act, f"replaced by {new.key}")
    await act.write_events()
    return act
