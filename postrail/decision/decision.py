"""A decision as data: the outcome, its reason, the effects to apply, and the trace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.decision.approvals.request import RequestApproval
from postrail.decision.facts import IssueRef
from postrail.decision.trace import HandlerAnswer, Trace


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
    # It answered an approval request.
    APPROVAL = "approval"
    BOUNCED = "bounced"
    RECEIPT = "receipt"
    PROBE = "probe"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueFields:
    """The fields of a new issue that a mail handler sets; blank: as its project says."""

    # For a message without a subject.
    summary: str = ""
    # The name of a type of the project.
    issue_type: str = ""
    priority: int | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    # The address of a person.
    assignee: str = ""
    # Custom fields by name.
    custom: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRules:
    """Which part of a message becomes the text of a comment or a description, and its files."""

    # True: only what is new in a reply; False: all of it.
    new_text_only: bool = True
    # The text ends before the first match of this pattern; "": it does not end there.
    ends_before: str = ""
    # Stands below the text, where an unknown sender writes under another person's name.
    signed_by: str = ""
    # The web form that named the author, which the text says.
    told_by: str = ""
    # The lines at the top that are field commands, which are left out.
    skipped_lines: int = 0
    # Which attachments are taken, by their places in the message, and why others are not.
    attachments: tuple[int, ...] | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCommand:
    """A line of a message that sets a field of its issue; the value is as it was written."""

    # The name as the mail handler allows it.
    field: str
    value: str


class Brings(StrEnum):
    """Whom a message brings into its issue, to take part or to watch."""

    # Its author, and the people in To and Cc.
    ALL = "all"
    # Its sender may be another: who is in To and Cc does not hear of the issue by that.
    AUTHOR = "author"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatePerson:
    """Makes a known person of the sender."""

    # Whether the person is told of it, where the message gets no other answer.
    notify: bool


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
    fields: IssueFields = IssueFields()
    text: TextRules = TextRules(new_text_only=False)
    # The person who reports it in the place of the sender; "": the sender.
    reporter: str = ""
    # The name of that person, where a message gives it.
    reporter_name: str = ""
    # Further persons who watch it.
    watchers: tuple[str, ...] = ()
    brings: Brings = Brings.ALL
    # Its sender takes no part in the issues of its conversation, which stays with them: the issue
    # begins another one.
    own_conversation: bool = False
    # Its confirmation has no word of the message: somebody else may have sent it.
    neutral: bool = False
    # Of a proven agent, obeyed once the issue is there.
    commands: tuple[FieldCommand, ...] = ()
    # False: its author must not be answered, or gets another answer.
    confirmed: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class AddComment:
    """Adds the message to an issue as a comment."""

    issue: IssueRef
    muted: bool
    # The rest of the message's conversation belongs to the issue from now on.
    joins_conversation: bool = False
    # Outsiders must not see it.
    internal: bool = False
    text: TextRules = TextRules()
    # The person who comments in the place of an unknown sender; "": the sender.
    author: str = ""
    watchers: tuple[str, ...] = ()
    # False: the issue has too many watchers for one more.
    adds_watchers: bool = True
    # A done issue goes back to the first status of its project.
    reopens: bool = False
    # Its sender takes no part in the issue: people outside are told once a person accepts it.
    outsider: bool = False
    # Its sender is proven, and has the rights of a person.
    verified: bool = False
    # Another issue that the subject names.
    links: IssueRef | None = None
    # An outsider brings nobody until a person accepts the comment.
    brings: Brings = Brings.ALL
    # Of a proven agent of the issue's project.
    commands: tuple[FieldCommand, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteAddress:
    """Notes on an issue that its message also arrived at this watched address."""

    issue: IssueRef
    address: str


class DeliveryEvent(StrEnum):
    """What a report says about a delivery; rows hold these spellings."""

    # It failed for good: a dead address.
    HARD = "hard"
    # It failed, and another one may not.
    SOFT = "soft"
    # It is said to have failed, but its recipient has written since it was sent.
    DOUBTED = "doubted"
    # Another address failed, to which the recipient's passes messages on.
    ELSEWHERE = "elsewhere"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    DELIVERED = "delivered"
    READ = "read"
    # Unread.
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkDelivery:
    """Notes on a delivery of ours what a bounce, a receipt or a complaint says about it."""

    outgoing_id: str
    recipient: str
    event: DeliveryEvent
    # The code and class of RFC 3463, or "".
    status: str = ""
    status_class: str = ""
    reason: str = ""
    # The address that failed, where it is not the recipient's; else "".
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppress:
    """Writes no more to an address until a person releases it."""

    address: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsubscribe:
    """Lets a person watch an issue no longer, by any of these addresses."""

    issue: IssueRef
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteBody:
    """Drops the body of the message; the log keeps its header."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forward:
    """Sends the message on, with the original attached and the reason in the text.

    `decision.sending.forwarding` makes it, and refuses what would go round in circles.
    """

    to: str
    reason: str
    # Who sends it on, for example "mail handler desk".
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notify:
    """Tells an address what became of the message, as an action of a mail handler."""

    to: str
    reason: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """Answers the author of the message."""

    text: str = ""
    # In the place of a text: a sender filter does not accept the message.
    rejects: bool = False
    # Its subject has no word of the message: somebody else may have sent it.
    neutral: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Tells the leads and administrators of a project, or one address, of something.

    All notices of one cause to the same people are sent at most once an hour.
    """

    # For example "limit sender_messages of anna@example.com".
    cause: str
    text: str
    # Without an address: the key of the project.
    project: str = ""
    to: str = ""


Effect = (
    CreateIssue
    | AddComment
    | NoteAddress
    | CreatePerson
    | MarkDelivery
    | Suppress
    | Unsubscribe
    | DeleteBody
    | Forward
    | Notify
    | Reply
    | Notice
    | RequestApproval
    | AnswerRequest
    | RefuseAnswer
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The outcome of a message, the reason for it, and the effects that follow."""

    outcome: Outcome
    reason: str
    effects: tuple[Effect, ...] = ()
    # The existing issue that the message belongs to.
    issue: IssueRef | None = None
    # The mail handlers that were asked, and what each answered.
    handlers: tuple[HandlerAnswer, ...] = ()
    # What a release of a held or ignored message does not ask again; "": a release skips nothing.
    # The stages are named by themselves.
    held_by: str = ""
    # Missing when the message failed before a decision was made.
    trace: Trace | None = None
