"""Does on the issue of a request what follows from its end: a move, and a comment.

An issue that cannot be moved any more, or takes no comment, changes nothing about the decision: the
ledger has the reason, and the people of the project are told.
"""

from __future__ import annotations

import json
from datetime import datetime

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import Meaning, Request, State
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.forwarding.fault_notice import store_fault_notice
from postrail.effects.forwarding.notice import people_told
from postrail.errors import ConfigurationError, PermanentError, PipelineError
from postrail.notifications.desk_texts import Fault
from postrail.operate.approvals.timed.comment_text import comment_text
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.comment import comment
from postrail.operate.issues.transition import transition
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import IndexedIssue

# Nothing follows from a request that was withdrawn.
ENDED = (State.DECIDED, State.EXPIRED)


async def follow(
    desk: Desk, connection: Connection, snapshot: ConfigurationSnapshot, request_id: str
) -> list[OutgoingQueued]:
    """Moves the issue and comments on it; returns the message that tells people of a failure.

    Everything is a part of the transaction of the connection, which is that of the desk.
    """
    request = (await store.by_id(connection, [request_id])).get(request_id)
    if request is None or request.issue_id is None or request.state not in ENDED:
        return []
    # It stays locked between the two acts. A merged one is the issue that it is now.
    issue = (await issues.lock(connection, [request.issue_id])).get(request.issue_id)
    if issue is None:
        return []
    status = _status(request)
    failure: PipelineError | None = None
    if status:
        asked_in = await _project(connection, request)
        failure = await _move(desk, request, issue, status, asked_in)
    text = await _text(connection, snapshot, request, issue, failure)
    failure = await _comment(desk, request, issue, text) or failure
    mails = []
    if failure:
        mails = await _tell(desk, connection, snapshot, request, issue, failure)
    await ledger.append(connection, [_event(request, issue, status, failure, desk.now)])
    return mails


def _status(request: Request) -> str:
    """Returns the status to which the decision moves the issue; "": the issue stays."""
    choice = next((one for one in request.choices if one.name == request.choice), None)
    if request.state is not State.DECIDED or choice is None:
        return ""
    approves = choice.meaning is Meaning.APPROVE
    return request.approved_status if approves else request.rejected_status


async def _project(connection: Connection, request: Request) -> str:
    """Returns the project in which the issue was when its request was made."""
    events = await ledger.events_of(connection, request.request_id)
    first = next(one for one in events if one.kind is EventKind.REQUESTED)
    return str(json.loads(first.details)["project"])


async def _move(
    desk: Desk, request: Request, issue: IndexedIssue, status: str, asked_in: str
) -> PipelineError | None:
    """Moves the issue in the name of the request, which may; returns why it cannot be moved.

    In another project, other people approve; and another issue is not what they were asked about.
    """
    if issue.issue_id != request.issue_id:
        return PermanentError(
            f"the issue of {request.key} was merged into {issue.issue_key}",
            remedy=f"Ask again about {issue.issue_key}",
        )
    if issue.project != asked_in:
        return PermanentError(
            f"{issue.issue_key} is in project {issue.project}, and {request.key} was asked in"
            f" project {asked_in}",
            remedy="Ask again in its present project",
        )
    try:
        await transition(desk, Actor(name=request.key), issue.issue_key, status)
    except (PermanentError, ConfigurationError) as error:
        return error
    return None


async def _text(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    issue: IndexedIssue,
    failure: PipelineError | None,
) -> str:
    parts = (await store.assignments(connection, [request.request_id]))[request.request_id]
    fault = _fault(request, issue, failure) if failure else None
    return comment_text(request, parts, fault, snapshot.language_of(issue.project))


async def _comment(
    desk: Desk, request: Request, issue: IndexedIssue, text: str
) -> PipelineError | None:
    """Adds the internal comment that says who decided what; returns why it cannot be added."""
    try:
        await comment(desk, Actor(name=request.key), issue.issue_key, text, internal=True)
    except (PermanentError, ConfigurationError) as error:
        return error
    return None


def _fault(request: Request, issue: IndexedIssue, failure: PipelineError) -> Fault:
    return Fault(
        cause=f"{issue.issue_key} does not follow {request.key}",
        happened="not_followed",
        details="not_followed_because",
        reason=str(failure),
        acts=(("see_approval", f"postrail approvals show {request.key}"),),
        names={"key": request.key, "issue": issue.issue_key},
        issue_key=issue.issue_key,
    )


async def _tell(
    desk: Desk,
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    issue: IndexedIssue,
    failure: PipelineError,
) -> list[OutgoingQueued]:
    over = snapshot.connection_for(issue.project)
    setup = snapshot.approval_setups.get(request.setup)
    to = await people_told(connection, snapshot, issue.project, setup.account if setup else "")
    if over is None or not to:
        return []
    fault, key = _fault(request, issue, failure), desk.message_id_key
    mail = await store_fault_notice(
        connection, fault, snapshot, issue.project, to, over, key, desk.now
    )
    return [mail]


def _event(
    request: Request,
    issue: IndexedIssue,
    status: str,
    failure: PipelineError | None,
    now: datetime,
) -> NewEvent:
    return NewEvent(
        request_id=request.request_id,
        happened_at=now,
        kind=EventKind.NOT_FOLLOWED if failure else EventKind.FOLLOWED,
        channel=Channel.TIMER,
        reason=str(failure) if failure else "",
        details=details_of(issue=issue.issue_key, status=status),
    )
