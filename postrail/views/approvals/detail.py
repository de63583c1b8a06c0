"""Shows one approval request: what it asks, each approver's part, and the refused answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import LiteralString

from postrail.approvals import ledger
from postrail.approvals.ledger import Event, EventKind
from postrail.approvals.named import request_named
from postrail.approvals.request import AssignmentState, Choice, Request
from postrail.database import Connection, one, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproverPart:
    """One approver's part in a request."""

    # Events of the ledger name it.
    assignment_id: int
    # Approvers with one place answer for each other.
    place: int
    address: str
    name: str
    # planned, asked, answered or closed; `closed_because` says why.
    state: str
    closed_because: str
    # Of a delegate: for whom, and within which times.
    answers_for: str
    delegated_from: datetime | None
    delegated_until: datetime | None
    asked_at: datetime | None
    reminders: int
    choice: str
    comment: str
    answered_at: datetime | None
    # The message with the answer, and what is known about its sender; "": by a command or page.
    mail_id: str
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedAnswer:
    """An answer that decides nothing, and why."""

    at: datetime
    # The address of the sender; "": unknown.
    sender: str
    channel: str
    mail_id: str
    verdict: str
    reason: str
    # What it said.
    comment: str
    # Its author was answered.
    answered: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestDetail:
    """An approval request with all that happened to it."""

    key: str
    request_id: str
    setup: str
    state: str
    # The name of the choice of a decided request, and what it means; "" otherwise.
    choice: str
    meaning: str
    # The deadline decided, and no approver.
    by_deadline: bool
    issue_key: str | None
    subject: str
    body: str
    fields: Sequence[tuple[str, str]]
    # Their names.
    attachments: Sequence[str]
    choices: Sequence[Choice]
    rule: str
    needed: int
    comment_required: bool
    requester_address: str
    requester_name: str
    origin: str
    made_at: datetime
    deadline: datetime | None
    at_deadline: str
    escalate_to: Sequence[str]
    remind_after_seconds: int
    # Whether a system is told of the decision; its URL is a secret.
    has_callback: bool
    # waiting, posting, posted, failed or cancelled, once there is something to post; else "".
    callback: str
    approved_status: str
    rejected_status: str
    closed_at: datetime | None
    approvers: Sequence[ApproverPart]
    refused: Sequence[RefusedAnswer]
    # Empty unless it is asked for.
    ledger: Sequence[Event] = ()

    @property
    def waiting_for(self) -> list[ApproverPart]:
        """Returns those who were asked and have not answered."""
        return [one for one in self.approvers if one.state == AssignmentState.ASKED]


_PARTS: LiteralString = """
SELECT assignment_id, place, address, name, part.state, closed_because, answers_for,
    begins_at AS delegated_from, least(ends_at, ended_at) AS delegated_until, asked_at, reminders,
    part.choice, part.comment, answered_at, part.mail_id, coalesce((
        SELECT event.verdict FROM approval_event AS event
        WHERE event.request_id = part.request_id AND event.kind = 'answered'
            AND event.assignment_id = part.assignment_id
    ), '') AS verdict
FROM approval_assignment AS part LEFT JOIN approval_delegation USING (delegation_id)
WHERE part.request_id = %s ORDER BY place, assignment_id"""

# Those of a request that have the same names in its detail.
_SAME = {one.name for one in fields(Request)} & {one.name for one in fields(RequestDetail)}


async def request_detail(
    connection: Connection, key: str, *, with_ledger: bool = False
) -> RequestDetail:
    """Returns the request with this name; raises RequestNotFound."""
    request = await request_named(connection, key)
    events = await ledger.events_of(connection, request.request_id)
    chosen = next((one for one in request.choices if one.name == request.choice), None)
    same = {name: getattr(request, name) for name in _SAME}
    return RequestDetail(
        **same
        | {
            "key": request.key,
            "meaning": chosen.meaning if chosen else "",
            "by_deadline": any(
                one.kind is EventKind.DECIDED and one.channel == "timer" for one in events
            ),
            "issue_key": await _issue_key(connection, request),
            "attachments": [one.name for one in request.attachments],
            "has_callback": bool(request.callback_url),
            "callback": await _callback(connection, request),
            "approvers": await rows_as(connection, ApproverPart, _PARTS, [request.request_id]),
            "refused": [_refused(one) for one in events if one.kind is EventKind.REFUSED],
            "ledger": events if with_ledger else (),
        }
    )


async def _issue_key(connection: Connection, request: Request) -> str | None:
    if request.issue_id is None:
        return None
    found = await one(
        connection, "SELECT issue_key FROM issue_index WHERE issue_id = %s", [request.issue_id]
    )
    return found[0] if found else None


async def _callback(connection: Connection, request: Request) -> str:
    found = await one(
        connection,
        "SELECT state FROM webhook_post WHERE about = %s ORDER BY made_at DESC LIMIT 1",
        [request.key],
    )
    return str(found[0]) if found else ""


def _refused(event: Event) -> RefusedAnswer:
    return RefusedAnswer(
        at=event.happened_at,
        sender=event.actor,
        channel=event.channel,
        mail_id=event.mail_id,
        verdict=event.verdict,
        reason=event.reason,
        comment=event.comment,
        answered=event.answered,
    )
