"""The parts of a batch: decided messages, their effects one by one, and what the effects made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from postrail.blobs import BlobStore
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import Decision, Effect
from postrail.decision.facts import IssueRef
from postrail.effects.notify import Announcement, NotificationOptions
from postrail.incoming.queue import DueMail
from postrail.records import OutgoingQueued
from postrail.stream.producer import Entry
from postrail.tracker import TransactionalTracker

E = TypeVar("E", bound=Effect)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What applying effects needs beside them; `connection` is the caller's transaction."""

    connection: Connection
    tracker: TransactionalTracker
    blobs: BlobStore
    snapshot: ConfigurationSnapshot
    message_id_key: bytes
    # The most characters of a comment that its notification holds.
    excerpt_max_characters: int
    now: datetime
    # Within which the events of an issue are bundled.
    bundle_seconds: int = 0
    # Encrypts what a row must not show.
    seal: Callable[[str], str] | None = None

    @property
    def notification_options(self) -> NotificationOptions:
        """Returns what the notifications of the effects are made by."""
        return NotificationOptions(
            snapshot=self.snapshot,
            message_id_key=self.message_id_key,
            excerpt_max_characters=self.excerpt_max_characters,
            bundle_seconds=self.bundle_seconds,
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """A due message with its decision."""

    due: DueMail
    decision: Decision


@dataclass(frozen=True, slots=True)
class Work(Generic[E]):
    """One effect to apply, and the message that causes it."""

    due: DueMail
    effect: E
    # What became of the message, for what is sent about it.
    outcome: str = ""
    issue: IssueRef | None = None

    @property
    def issue_key(self) -> str:
        """Returns the key of the issue that the message concerns, or ""."""
        return self.issue.issue_key if self.issue else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What one effect made: on which issue, if on one, and what people are told of it."""

    mail_id: str
    issue: IssueRef | None
    comment_id: int | None = None
    announcement: Announcement | None = None
    # What its assignee is told.
    assignment: Announcement | None = None
    # What people are told of its field commands.
    further: tuple[Announcement, ...] = ()
    # A message about no issue.
    letter: OutgoingQueued | None = None
    # Messages that are stored already, and further records for the outbox.
    stored: tuple[OutgoingQueued, ...] = ()
    entries: tuple[Entry, ...] = ()
