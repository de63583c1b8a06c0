"""The parts of an approval request: choices, rule, the people who are asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    # Everybody's approval; the first rejection rejects.
    ALL = "all"
    # The approval of `needed` of the approvers.
    COUNT = "count"
    # As ALL, but each is asked once the one before has approved.
    ORDER = "order"


class AtDeadline(StrEnum):
    """What an open request's deadline means."""

    # Nothing: answers after it do not count, and the requester is told.
    EXPIRE = "expire"
    REJECT = "reject"
    # Asks `escalate_to` in the place of those who have not answered.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """An approval request, as its row has it."""

    request_id: str
    # People name it by it: A-12.
    number: int
    # The name of its approval setup.
    setup: str
    made_at: datetime
    requester_address: str
    requester_name: str
    # command, handler, transition or api.
    origin: str
    subject: str
    body: str
    # Each with its label.
    fields: Sequence[tuple[str, str]]
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
    callback_url: str
    issue_id: int | None
    # The status to which an approval, or a rejection, moves the issue; "": none.
    approved_status: str
    rejected_status: str
    # SHA-256 of what approvers are asked.
    digest: str
    state: State
    # The name of the choice of a decided request; "" otherwise.
    choice: str
    closed_at: datetime | None

    @property
    def key(self) -> str:
        """Returns the name by which people know it."""
        return f"A-{self.number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One approver's part in a request, as its row has it."""

    assignment_id: int
    request_id: str
    # The place in the order of the approvers; a delegate has that of the person they answer for.
    place: int
    address: str
    name: str
    state: AssignmentState
    closed_because: str
    # Of a delegate: the approver for whom they answer, and the delegation.
    answers_for: str
    delegation_id: int | None
    asked_at: datetime | None
    reminders: int
    # The Message-ID of the message that asks: reminders thread below it.
    message_id: str
    choice: str
    comment: str
    answered_at: datetime | None
    # The message with the answer; "": by a command.
    mail_id: str
