"""Makes the messages about a request that never was, for previews of templates."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from postrail.approvals.request import (
    APPROVE_OR_REJECT,
    Assignment,
    AssignmentState,
    AtDeadline,
    Request,
    Rule,
    State,
)
from postrail.approvals.token import ApprovalToken, reply_address
from postrail.notifications.approvals.asking import request_words
from postrail.notifications.approvals.ending import closed_words, result_words
from postrail.notifications.approvals.helping import HelpReason, help_words
from postrail.notifications.approvals.letter import About, Approver
from postrail.notifications.issue_words import Occasion
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import Words
from postrail.rendering.events import MessageEvent

SAMPLE_TIME = datetime(2026, 1, 2, 12, tzinfo=UTC)
SAMPLE_TOKEN = ApprovalToken(assignment_id=1, proof="k5tqmz3yd7w2xj6nbe4hvr5gas")
SAMPLE_ADDRESS = "approvals@desk.example.org"


def sample_words(event: MessageEvent, occasion: Occasion, phrases: Phrases) -> Words:
    """Returns the words of a message about a request to decide about an issue."""
    request, assignment = _request(occasion), _assignment()
    about = About(request=request, issue_key=occasion.audience.issue_key, places=3)
    approver = Approver(
        assignment=assignment,
        token=SAMPLE_TOKEN,
        reply_to=reply_address(SAMPLE_ADDRESS, SAMPLE_TOKEN),
    )
    made = {
        MessageEvent.APPROVAL_REQUEST: partial(request_words, about, approver),
        MessageEvent.APPROVAL_REMINDER: partial(request_words, about, approver, again=True),
        MessageEvent.APPROVAL_HELP: partial(help_words, about, approver, HelpReason.UNCLEAR, ""),
        MessageEvent.APPROVAL_RESULT: partial(result_words, about, [assignment], ""),
    }
    if event in made:
        return made[event](phrases)
    return closed_words(about, False, phrases)


def _request(occasion: Occasion) -> Request:
    return Request(
        request_id="00000000-0000-0000-0000-000000000001",
        number=1,
        setup="sample",
        made_at=SAMPLE_TIME,
        requester_address=occasion.author.address,
        requester_name=occasion.author.name,
        origin="command",
        subject=occasion.audience.summary,
        body=occasion.body,
        fields=[("Project", occasion.project_name), ("Environment", "Production")],
        choices=APPROVE_OR_REJECT,
        rule=Rule.ANY,
        needed=1,
        comment_required=False,
        deadline=SAMPLE_TIME,
        at_deadline=AtDeadline.EXPIRE,
        escalate_to=(),
        remind_after_seconds=0,
        callback_url="",
        issue_id=None,
        approved_status="",
        rejected_status="",
        digest="",
        state=State.DECIDED,
        choice="approve",
        closed_at=SAMPLE_TIME,
    )


def _assignment() -> Assignment:
    return Assignment(
        assignment_id=1,
        request_id="00000000-0000-0000-0000-000000000001",
        place=1,
        address="ann@example.org",
        name="Ann Lee",
        state=AssignmentState.ANSWERED,
        closed_because="",
        answers_for="",
        delegation_id=None,
        asked_at=SAMPLE_TIME,
        reminders=0,
        message_id="",
        choice="approve",
        comment="Go ahead, but not before Friday.",
        answered_at=SAMPLE_TIME,
        mail_id="",
    )
