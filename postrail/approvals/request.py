"""The parts of an approval request: choices, rule, the people who are asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postrail.approvals.digest import sha256_of
from postrail.message_parts import OutgoingAttachment


class Meaning(StrEnum):
    """What a choice means for what was asked; rows and records hold these spellings."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of the possible answers, in their order; approvers may give its number."""

    # The name by which callbacks and commands name it: approve, reject, or one of the caller's.
    name: str
    # The words that approvers read; "": those of their language for approve or reject.
    label: str = ""
    meaning: Meaning = Meaning.APPROVE


APPROVE_OR_REJECT = (
    Choice(name="approve", meaning=Meaning.APPROVE),
    Choice(name="reject", meaning=Meaning.REJECT),
)


class Rule(StrEnum):
    """Whose answers decide."""

    # The first answer of anybody.
    ANY = "any"
    # Everybody's approval; the first rejection rejects. Of several approving choices, the one that
    # most have made counts.
    ALL = "all"
    # The same approving choice of `needed` of the approvers.
    COUNT = "count"
    # As ALL, but each is asked once the one before has approved, and the last one's choice counts.
    ORDER = "order"


class AtDeadline(StrEnum):
    """What an open request's deadline means."""

    # Nothing: answers after it do not count, and the requester is told.
    EXPIRE = "expire"
    REJECT = "reject"
    # Asks `escalate_to` instead of those who have not answered.
    ESCALATE = "escalate"


class State(StrEnum):
    """The state of a request."""

    OPEN = "open"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class AssignmentState(StrEnum):
    """The state of one approver's part in a request."""

    # Is asked once those before have approved.
    PLANNED = "planned"
    ASKED = "asked"
    ANSWERED = "answered"
    # Asked no longer; `closed_because` says why.
    CLOSED = "closed"


class ClosedBecause(StrEnum):
    """Why an approver is no longer asked."""

    # The request has ended.
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    # Another person answers in this one's place.
    REASSIGNED = "reassigned"
    ESCALATED = "escalated"
    # A delegate has answered for the approver, or the approver before the delegate.
    ANSWERED_FOR = "answered for"
    DELEGATION_ENDED = "delegation ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRequest:
    """An approval request as it is stored; `store.insert` numbers it."""

    request_id: str
    # The name of its approval setup.
    setup: str
    # Of the system that asks: the same key makes no second request.
    idempotency_key: str | None = None
    # SHA-256 of all that was asked for with the key.
    order_digest: str = ""
    made_at: datetime
    requester_address: str
    requester_name: str
    # command, handler, transition or api.
    origin: str
    subject: str
    body: str
    # Each with its label.
    fields: Sequence[tuple[str, str]]
    attachments: Sequence[OutgoingAttachment] = ()
    choices: Sequence[Choice]
    rule: Rule
    # Of COUNT: how many must approve.
    needed: int
    comment_required: bool
    deadline: datetime | None
    at_deadline: AtDeadline
    escalate_to: Sequence[str]
    # 0: no reminder.
    remind_after_seconds: int
    # Sealed by `postrail.secrets`; "": no callback.
    callback_url: str
    issue_id: int | None
    # The status to which an approval, or a rejection, moves the issue; "": the issue stays.
    approved_status: str
    rejected_status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request(NewRequest):
    """An approval request, as its row has it."""

    # People name the request by it: A-12.
    number: int
    # SHA-256 of what approvers are asked; see `digest_of`.
    digest: str
    state: State
    # The name of the choice of a decided request; "" otherwise.
    choice: str
    closed_at: datetime | None

    @property
    def key(self) -> str:
        """Returns the name by which people know it."""
        return f"A-{self.number}"


def digest_of(request: NewRequest) -> str:
    """Returns the SHA-256 of what approvers are asked, which nothing changes afterwards."""
    return sha256_of(
        {
            "subject": request.subject,
            "body": request.body,
            "fields": [[label, value] for label, value in request.fields],
            "attachments": [
                [one.name, one.content_type, one.sha256, one.size] for one in request.attachments
            ],
            "choices": [[one.name, one.label, one.meaning.value] for one in request.choices],
            "rule": request.rule.value,
            "needed": request.needed,
            "comment_required": request.comment_required,
        }
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAssignment:
    """An approver who is to be asked; see `Assignment` for the fields."""

    place: int
    address: str
    name: str = ""
    answers_for: str = ""
    delegation_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One approver's part in a request, as its row has it."""

    assignment_id: int
    request_id: str
    # The place in the order of the approvers; a delegate has that of the person they answer for.
    place: int
    # In lower case.
    address: str
    name: str
    # Of a delegate: the approver for whom they answer, and the delegation.
    answers_for: str
    delegation_id: int | None
    state: AssignmentState
    # A value of ClosedBecause; "" while it is not closed.
    closed_because: str
    asked_at: datetime | None
    reminders: int
    # The Message-ID of the message that asks: reminders thread below it.
    message_id: str
    choice: str
    comment: str
    answered_at: datetime | None
    # The message with the answer; "": by a command.
    mail_id: str
