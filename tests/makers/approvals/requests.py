"""Makes approval requests and their parts, as tests need them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from postrail.approvals.ledger import Channel, Event, EventKind
from postrail.approvals.request import (
    APPROVE_OR_REJECT,
    Assignment,
    AssignmentState,
    AtDeadline,
    NewRequest,
    Request,
    Rule,
    State,
    digest_of,
)
from tests.makers.records import NOON

ANA = "ana@example.org"
BEN = "ben@example.org"
CHO = "cho@example.org"


def new_request(**changes: Any) -> NewRequest:
    """Returns a request to deploy something, decided by anybody within a day."""
    request = NewRequest(
        request_id=str(uuid.uuid4()),
        setup="deployments",
        made_at=NOON,
        requester_address="requester@example.org",
        requester_name="Rob Quester",
        origin="command",
        subject="Deploy 4.2",
        body="Version 4.2 is ready.",
        fields=[("Environment", "production")],
        choices=APPROVE_OR_REJECT,
        rule=Rule.ANY,
        needed=1,
        comment_required=False,
        deadline=NOON + timedelta(days=1),
        at_deadline=AtDeadline.EXPIRE,
        escalate_to=(),
        remind_after_seconds=0,
        callback_url="",
        issue_id=None,
        approved_status="",
        rejected_status="",
    )
    return replace(request, **changes)


def request(**changes: Any) -> Request:
    """Returns the open request A-12."""
    own = {
        name: changes.pop(name)
        for name in ("number", "state", "choice", "closed_at")
        if name in changes
    }
    new = new_request(**changes)
    values = {name: getattr(new, name) for name in NewRequest.__dataclass_fields__}
    open_request = Request(
        **values, number=12, digest=digest_of(new), state=State.OPEN, choice="", closed_at=None
    )
    return replace(open_request, **own)


def assignment(assignment_id: int = 1, address: str = ANA, **changes: Any) -> Assignment:
    """Returns the part of an approver who was asked, at the place of the same number."""
    asked = Assignment(
        assignment_id=assignment_id,
        request_id="00000000-0000-0000-0000-000000000001",
        place=assignment_id,
        address=address,
        name="",
        answers_for="",
        delegation_id=None,
        state=AssignmentState.ASKED,
        closed_because="",
        asked_at=NOON,
        reminders=0,
        message_id=f"<asked-{assignment_id}@example.org>",
        choice="",
        comment="",
        answered_at=None,
        mail_id="",
    )
    return replace(asked, **changes)


def event(kind: EventKind, event_id: int = 1, **changes: Any) -> Event:
    """Returns an event of the ledger about the request of `assignment`."""
    made = Event(
        event_id=event_id,
        request_id="00000000-0000-0000-0000-000000000001",
        happened_at=NOON,
        kind=kind,
        channel=Channel.MAIL,
        previous_hash="",
        hash="0a",
    )
    return replace(made, **changes)
