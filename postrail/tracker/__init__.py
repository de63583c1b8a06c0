"""Where issues live.

The built-in tracker shares our database, so that its effects are part of our own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postrail.database import Connection
from postrail.errors import TransientError
from postrail.records import Attachment


class TrackerUnavailable(TransientError):
    """The tracker does not answer now; mails that need it wait, others go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueDraft:
    """An issue to be made from a mail."""

    project: str
    issue_type: str
    summary: str
    description: str
    description_blob: str | None
    reporter_address: str
    reporter_name: str
    conversation: str
    mail_id: str
    revision: int
    attachments: tuple[Attachment, ...]
    # The reporter is told of later comments.
    watching: bool
    participants: tuple[str, ...]
    # The watched address at which the mail arrived.
    arrived_at: str
    linked_to: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentDraft:
    """A comment to be made, from a mail (then `mail_id` names it) or by a person."""

    issue_key: str
    body: str
    body_blob: str | None
    author_address: str
    author_name: str
    mail_id: str | None
    revision: int
    attachments: tuple[Attachment, ...]
    watching: bool
    participants: tuple[str, ...]
    arrived_at: str | None
    # What the mail holds beside its new text, which is the body; all of it as JSON where it is
    # large.
    quoted_text: str = ""
    signature: str = ""
    reply_blob: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watcher:
    """Somebody who is told of an issue's comments."""

    address: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """An issue as its notifications need it: what it is called, and who is told."""

    issue_key: str
    project: str
    summary: str
    conversation: str
    # The Message-ID of the mail that made the issue, if a mail made it.
    first_message_id: str | None
    watchers: tuple[Watcher, ...]


class Tracker(Protocol):
    """What the handler needs of a tracker whose effects are rows in our own transaction."""

    async def create_issues(
        self, connection: Connection, drafts: Sequence[IssueDraft], now: datetime
    ) -> list[str]:
        """Makes the issues and returns their keys, in the order of the drafts."""

    async def add_comments(
        self, connection: Connection, drafts: Sequence[CommentDraft], now: datetime
    ) -> list[int]:
        """Adds the comments and returns their ids, in the order of the drafts."""

    async def note_addresses(
        self, connection: Connection, addresses: Sequence[tuple[str, str]]
    ) -> None:
        """Notes on issues (key, address) that their mail arrived at a further watched address."""

    async def audiences(
        self, connection: Connection, issue_keys: Sequence[str]
    ) -> dict[str, Audience]:
        """Who is told of comments, and what the issues are called, by issue key."""
