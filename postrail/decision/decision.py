"""A decision as data: the outcome, its reason, the effects to apply, and the trace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postrail.decision.facts import IssueRef
from postrail.decision.trace import Trace


class Outcome(StrEnum):
    """The final result of a message; rows, records and metrics hold these spellings."""

    ISSUE = "issue"
    COMMENT = "comment"
    # The same message was already handled in this mailbox.
    DUPLICATE = "duplicate"
    # The same message was already handled in another mailbox of the project.
    NOTED = "noted"
    FAILED = "failed"
    IGNORED = "ignored"
    DELETED = "deleted"
    FORWARDED = "forwarded"
    QUARANTINED = "quarantined"
    APPROVED = "approved"
    BOUNCED = "bounced"
    RECEIPT = "receipt"
    PROBE = "probe"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateIssue:
    """Creates an issue from the message."""

    project: str
    # A muted effect makes its author no watcher and sends no notification.
    muted: bool
    # The issue that the subject names, when the sender may not comment on it.
    linked_to: IssueRef | None = None
    # The message quotes an internal comment: the issue holds its new text only.
    quotes_internal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AddComment:
    """Adds the message to an issue as a comment."""

    issue: IssueRef
    muted: bool
    # The rest of the message's conversation belongs to the issue from now on.
    joins_conversation: bool = False
    # Outsiders must not see it.
    internal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteAddress:
    """Notes on an issue that its message also arrived at this watched address."""

    issue: IssueRef
    address: str


Effect = CreateIssue | AddComment | NoteAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The outcome of a message, the reason for it, and the effects that follow."""

    outcome: Outcome
    reason: str
    effects: tuple[Effect, ...] = ()
    # The existing issue that the message belongs to.
    issue: IssueRef | None = None
    # Missing when the message failed before a decision was made.
    trace: Trace | None = None
