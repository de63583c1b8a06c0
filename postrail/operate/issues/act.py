"""The frame of each act on an issue: its transaction, rights, history, notifications and record."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from postrail import people
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.notifications.compose import Event
from postrail.notifications.entries import RECORD_MAX_BYTES, queued_entries
from postrail.records import FieldChange, IssueChanged
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry
from postrail.stream.topics import ISSUE_CHANGED
from postrail.tracker import IssueNotFound, issues
from postrail.tracker.builtin.history import Behind, Change, insert_changes
from postrail.tracker.builtin.issues import touch_issues
from postrail.tracker.issues import IndexedIssue, Watcher
from postrail.workflow.rights import Act, Channel, require
from postrail.workflow.roles import Role, role_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What acts need beside their arguments."""

    pool: Pool
    # Signs the Message-IDs of notifications.
    message_id_key: bytes
    # The most characters of a comment that its notification holds.
    excerpt_max_characters: int
    # The time of the act.
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The author of an act; without an address it is the operator, who may do everything."""

    address: str = ""
    name: str = ""
    channel: Channel = "command"
    # The message behind an act by mail.
    mail_id: str | None = None


@dataclass(kw_only=True)
class ActInProgress:
    """An act between the lock of its issue and its commit."""

    connection: Connection
    snapshot: ConfigurationSnapshot
    # The issue is locked, and has this key, until an act moves it.
    issue: IndexedIssue
    project: Project
    actor: Actor
    role: Role
    act: Act
    now: datetime
    act_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    changes: list[Change] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    comment_id: int | None = None
    # The addresses that are notified by email; filled in when the act is done.
    told: tuple[str, ...] = ()

    @property
    def author(self) -> Watcher:
        """Returns the author as notifications name people."""
        return Watcher(address=self.actor.address, name=self.actor.name)

    @property
    def behind(self) -> Behind:
        """Returns what the rows of the history say about the act."""
        return Behind(
            act_id=self.act_id,
            act=self.act,
            actor_address=self.actor.address,
            actor_name=self.actor.name,
            channel=self.actor.channel,
            mail_id=self.actor.mail_id,
            changed_at=self.now,
        )

    @property
    def cause(self) -> str:
        """Returns the name of the act for the ids of its notifications; it is never used again."""
        return f"act {self.act_id}"

    def require(self, act: Act) -> None:
        """Raises NotAllowed unless the actor's role allows the act in the project."""
        who, project = self.actor.address, self.project.key
        require(self.role, act, self.actor.channel, who=who, project=project)

    def announce(self, event: Event, body: str, *, part: str = "") -> None:
        """Notes that people are notified of the act, or of a named part of it beside the act."""
        self.announcements.append(
            Announcement(
                issue_id=self.issue.issue_id,
                event=event,
                cause=f"{self.cause} {part}".strip(),
                author=self.author,
                body=body,
            )
        )

    def changed(self, field_name: str, before: Any, after: Any) -> None:
        """Notes a changed field (values of JSON); a field that stays as it is, is not noted."""
        if before != after:
            self.changes.append(Change(field_name, before, after))


@contextlib.asynccontextmanager
async def acting(
    desk: Desk, actor: Actor, act: Act, issue_key: str
) -> AsyncIterator[ActInProgress]:
    """Runs the block as an act on the issue, which is locked, and commits all that it noted.

    Raises IssueNotFound for an unknown key, NotAllowed without the right, and what the block does;
    then nothing is changed.
    """
    async with transaction(desk.pool) as connection:
        issue = await locked_issue(connection, issue_key)
        snapshot = await load_snapshot(connection)
        project = snapshot.projects[issue.project]
        role = await role_in(connection, project, actor)
        current = ActInProgress(
            connection=connection,
            snapshot=snapshot,
            issue=issue,
            project=project,
            actor=actor,
            role=role,
            act=act,
            now=desk.now,
        )
        current.require(act)
        yield current
        await finish(desk, current)


async def locked_issue(connection: Connection, issue_key: str) -> IndexedIssue:
    """Locks the issue with this key, present or former, and returns it as it is then.

    Raises IssueNotFound.
    """
    while True:
        found = (await issues.by_key(connection, [issue_key])).get(issue_key)
        if found is None:
            raise IssueNotFound(
                f"there is no issue {issue_key}", remedy="List them with: postrail issues list"
            )
        await issues.lock(connection, [found.issue_id])
        again = (await issues.by_key(connection, [issue_key])).get(issue_key)
        # It may have been moved or merged while this transaction waited for the lock.
        if again and again.issue_id == found.issue_id:
            return again


async def role_in(connection: Connection, project: Project, actor: Actor) -> Role:
    """Returns the actor's role in the project."""
    if not actor.address:
        return Role.ADMINISTRATOR
    address = actor.address.lower()
    return role_of(project, (await people.by_address(connection, [address])).get(address))


async def finish(desk: Desk, act: ActInProgress) -> None:
    """Writes the history, the notifications and the record of an act that changed something."""
    if not act.changes and act.comment_id is None:
        return
    await touch_issues(act.connection, [act.issue.issue_key], act.now)
    await insert_changes(act.connection, act.issue.issue_key, act.behind, act.changes)
    await publish(desk, act)


async def publish(desk: Desk, act: ActInProgress) -> None:
    """Writes the notifications and the record of an act."""
    options = NotificationOptions(
        snapshot=act.snapshot,
        message_id_key=desk.message_id_key,
        excerpt_max_characters=desk.excerpt_max_characters,
    )
    mails = await notify(act.connection, act.announcements, options, act.now)
    act.told = tuple(delivery.recipient for mail in mails for delivery in mail.deliveries)
    entries = [Entry(ISSUE_CHANGED, act.issue.conversation, _encoded(record_of(act)))]
    await outbox.add(act.connection, [*entries, *queued_entries(mails)], act.now)


def record_of(act: ActInProgress) -> IssueChanged:
    """Returns the record of the act."""
    return IssueChanged(
        act_id=act.act_id,
        act=act.act,
        issue_id=act.issue.issue_id,
        issue_key=act.issue.issue_key,
        project=act.issue.project,
        conversation=act.issue.conversation,
        actor_address=act.actor.address,
        actor_name=act.actor.name,
        channel=act.actor.channel,
        changed_at=act.now,
        changes=[
            FieldChange(field=one.field, before=_json(one.before), after=_json(one.after))
            for one in act.changes
        ],
        comment_id=act.comment_id,
    )


def _encoded(record: IssueChanged) -> bytes:
    """Returns the record for Kafka, without the values before the act where it is too large."""
    value = avro.encode(record)
    if len(value) <= RECORD_MAX_BYTES:
        return value
    after = [replace(change, before=None) for change in record.changes]
    return avro.encode(replace(record, changes=after))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
