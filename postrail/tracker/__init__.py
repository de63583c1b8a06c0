"""The role of a tracker, in two forms, and what effects give to it.

A `Tracker` is reached over a network and has no part in our transactions: a call whose answer is
lost is found again by its marker. A `TransactionalTracker` shares our database and works within the
caller's transaction, a batch at a time. `postrail.tracker.issues` keeps what we record about the
issues of any tracker.

Owns the tables: issue_index, issue_alias, watcher, left_issue, participant, issue_address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from postrail.database import Connection
from postrail.errors import PermanentError, TransientError
from postrail.message_parts import Attachment

# The level of the priority of issues that nobody has given another one.
MEDIUM = 3
# The characters of a text in a blob that a draft has for the search.
BEGINNING_CHARACTERS = 50_000


class TrackerUnavailable(TransientError):
    """The tracker does not answer now; messages that need it wait, others go on."""


class IssueNotFound(PermanentError):
    """The tracker has no issue with this key."""


def issue_not_found(issue_key: str) -> IssueNotFound:
    """Returns the error for a key that no issue of ours has."""
    return IssueNotFound(
        f"there is no issue {issue_key}", remedy="List them with: postrail issues list"
    )


class CapabilityMissing(PermanentError):
    """The tracker does not declare the capability that the call needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """The abilities that a tracker declares; callers ask here before they call."""

    attachments: bool
    # The longest description or comment that is kept whole; None: any length.
    max_text_characters: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueDraft:
    """An issue to be made, from a message (then `mail_id` names it) or by a person."""

    project: str
    issue_type: str
    status: str
    summary: str
    description: str
    description_blob: str | None
    reporter_address: str
    reporter_name: str
    conversation: str
    mail_id: str | None
    revision: int
    attachments: tuple[Attachment, ...]
    linked_to: str | None = None
    # The address of a person.
    assignee: str | None = None
    priority: int = MEDIUM
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    due: date | None = None
    # Of a description that is in a blob.
    beginning: str = ""
    # Checked values of custom fields, by the names that history has.
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentDraft:
    """A comment to be made, from a message (then `mail_id` names it) or by a person."""

    issue_key: str
    body: str
    body_blob: str | None
    author_address: str
    author_name: str
    mail_id: str | None
    revision: int
    attachments: tuple[Attachment, ...]
    # The parts of the message beside its new text, which is the body; all parts as JSON in a blob
    # where they are large.
    quoted_text: str = ""
    signature: str = ""
    reply_blob: str | None = None
    # Only the people of the project see it: agents, leads and administrators.
    internal: bool = False
    # By someone who takes no part in the issue; a person must accept it.
    outsider: bool = False
    # It records a message that a person sends from the issue; nobody is notified of it.
    letter: bool = False
    # The act by hand that makes it.
    act_id: str | None = None
    # Of a text that is in a blob.
    beginning: str = ""
    # When its message was handled first, if the outcome was another one then: it comes late.
    own_time: datetime | None = None


class Tracker(Protocol):
    """A tracker outside of our database: each call is an effect of its own.

    The caller commits the marker before it calls. When an answer was lost, it looks the marker up
    before it calls again. Drafts come with their whole texts; the blobs that they name are ours.
    Keys and comment ids are the tracker's own, as text. Every call raises TrackerUnavailable when
    the tracker cannot be reached.
    """

    capabilities: Capabilities

    async def find_issue(self, marker: str) -> str | None:
        """Returns the key of the issue that was made with this marker."""

    async def find_comment(self, issue_key: str, marker: str) -> str | None:
        """Returns the id of the issue's comment that was made with this marker."""

    async def create(self, draft: IssueDraft, marker: str) -> str:
        """Makes the issue, without its attachments, and returns its key."""

    async def comment(self, draft: CommentDraft, marker: str) -> str:
        """Adds the comment, without its attachments, and returns its id.

        Raises IssueNotFound for an unknown key.
        """

    async def attach(
        self, issue_key: str, comment_id: str | None, attachment: Attachment, content: bytes
    ) -> None:
        """Adds a file to an issue, or to one of its comments.

        Raises IssueNotFound for an unknown key, and CapabilityMissing without attachments.
        """


class TransactionalTracker(Protocol):
    """A tracker in our own database: its effects are part of the caller's transaction."""

    # Its name in `issue_index`: two trackers may have one key.
    name: str
    capabilities: Capabilities

    async def create_issues(
        self, connection: Connection, drafts: Sequence[IssueDraft], now: datetime
    ) -> list[str]:
        """Makes the issues with their attachments; returns their keys in the order of the drafts.

        Raises PermanentError for an unknown project.
        """

    async def add_comments(
        self, connection: Connection, drafts: Sequence[CommentDraft], now: datetime
    ) -> list[int]:
        """Adds the comments with their attachments; returns their ids in the order of the drafts.

        Raises IssueNotFound for an unknown key.
        """
