"""The frame of each act on an issue: its transaction, rights, history, notifications and record."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from postrail import people
from postrail.configuration.load import hold_projects, load_snapshot
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, part_of, storable, transaction
from postrail.effects.deliveries.store import store_indexed
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.errors import PermanentError
from postrail.message_parts import CommentWritten, FieldChange
from postrail.notifications.entries import RECORD_MAX_BYTES, queued_entries
from postrail.notifications.events import Event
from postrail.outgoing.bundles import pending
from postrail.outgoing.held import HeldDelivery, held_of
from postrail.records import IssueChanged, OutgoingQueued
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry
from postrail.stream.topics import ISSUE_CHANGED
from postrail.tracker import issue_not_found, issues
from postrail.tracker.builtin.history import Behind, Change, insert_changes
from postrail.tracker.builtin.issues import touch_issues
from postrail.tracker.issues import IndexedIssue, Watcher
from postrail.tracker.successors import take_turn
from postrail.workflow.rights import Act, Channel, require
from postrail.workflow.roles import Role, role_of

# These change rows of several issues, and two of them could wait for each other's.
IN_TURN = frozenset({Act.LINK, Act.MERGE, Act.MOVE})


class ActTooLarge(PermanentError):
    """The record of an act, which has all new values, would be larger than Kafka takes."""


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
    # Within which the events of an issue are bundled.
    bundle_seconds: int = 0
    # The most bytes of all files of a letter.
    letter_files_max_bytes: int = 50_000_000
    # The transaction that acts are parts of; each has one of its own without it.
    connection: Connection | None = None

    def transaction(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """Opens the transaction of an act, which is undone if the act fails."""
        return part_of(self.connection) if self.connection else transaction(self.pool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The author of an act; without an address it is the operator, who may do everything.

    Raises PermanentError for an address or a name that cannot be stored.
    """

    address: str = ""
    name: str = ""
    channel: Channel = "command"
    # The message behind an act by mail.
    mail_id: str | None = None

    def __post_init__(self) -> None:
        for text in (self.address, self.name):
            if storable(text) != text:
                raise PermanentError(
                    f"{text!r} holds a character that cannot be stored", remedy="Remove it"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The issue of an act, and whom it tells by email: the results of acts begin with it."""

    issue_key: str
    # The recipients of the messages that the services will send.
    notified: tuple[str, ...] = ()
    # Those whose messages wait until a person releases them.
    held: tuple[HeldDelivery, ...] = ()


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
    # The further issues that the act names, in their order; they are locked, too.
    others: tuple[IndexedIssue, ...] = ()
    act_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    changes: list[Change] = field(default_factory=list)
    # Of other issues than `issue`.
    other_changes: dict[IndexedIssue, list[Change]] = field(default_factory=dict)
    announcements: list[Announcement] = field(default_factory=list)
    # What the act itself sends, beside the notifications of it.
    letters: list[OutgoingQueued] = field(default_factory=list)
    # The comment that the act has added or edited.
    comment: CommentWritten | None = None
    # Whom its messages go to, and whom they do not; filled in when the act is done.
    notified: tuple[str, ...] = ()
    held: tuple[HeldDelivery, ...] = ()

    @property
    def author(self) -> Watcher:
        """Returns the author as notifications name people; the operator is the help desk.

        The name of a user of the machine, such as root, says nothing to customers.
        """
        name = self.actor.name if self.actor.address else ""
        return Watcher(address=self.actor.address, name=name)

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

    async def require_in(self, project: Project, act: Act) -> None:
        """Raises NotAllowed unless the actor's role in this other project allows the act there."""
        role = await role_in(self.connection, project, self.actor)
        require(role, act, self.actor.channel, who=self.actor.address, project=project.key)

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

    def changed_also(self, issue: IndexedIssue, field_name: str, before: Any, after: Any) -> None:
        """Notes a changed field of another issue that the act has locked."""
        self.other_changes.setdefault(issue, []).append(Change(field_name, before, after))


@contextlib.asynccontextmanager
async def acting(
    desk: Desk,
    actor: Actor,
    act: Act,
    issue_key: str,
    other_keys: Sequence[str] = (),
    projects: Sequence[str] = (),
) -> AsyncIterator[ActInProgress]:
    """Runs the block as an act on the issue, which is locked, and commits all that it noted.

    The issues with `other_keys` are locked, too, and the right is needed in their projects as well.
    The settings of all their projects, and of further `projects`, stay as they are until then.
    Raises IssueNotFound for an unknown key, NotAllowed without the right, and what the block does;
    then nothing is changed.
    """
    async with desk.transaction() as connection:
        if act in IN_TURN:
            await take_turn(connection)
        issue, *others = await locked_issues(connection, [issue_key, *other_keys])
        of_issues = [one.project for one in (issue, *others)]
        await hold_projects(connection, [*of_issues, *projects])
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
            others=tuple(others),
        )
        current.require(act)
        for other in others:
            await current.require_in(snapshot.projects[other.project], act)
        yield current
        await finish(desk, current)


async def locked_issues(connection: Connection, issue_keys: Sequence[str]) -> list[IndexedIssue]:
    """Locks the issues with these keys, present or former, and returns them as they are then.

    Raises IssueNotFound.
    """
    found = await issues.lock_by_key(connection, issue_keys)
    for key in issue_keys:
        if key not in found:
            raise issue_not_found(key)
    return [found[key] for key in issue_keys]


async def role_in(connection: Connection, project: Project, actor: Actor) -> Role:
    """Returns the actor's role in the project."""
    if not actor.address:
        return Role.ADMINISTRATOR
    return role_of(project, await people.find(connection, actor.address))


async def finish(desk: Desk, act: ActInProgress) -> None:
    """Writes the history, the notifications and the record of an act that changed something."""
    if not act.changes:
        return
    changed = {act.issue: act.changes, **act.other_changes}
    await touch_issues(act.connection, [issue.issue_key for issue in changed], act.now)
    for issue, changes in changed.items():
        await insert_changes(act.connection, issue.issue_key, act.behind, changes)
    await publish(desk, act)


async def publish(desk: Desk, act: ActInProgress) -> None:
    """Writes the notifications of an act, and a record for each issue that it changed."""
    options = NotificationOptions(
        snapshot=act.snapshot,
        message_id_key=desk.message_id_key,
        excerpt_max_characters=desk.excerpt_max_characters,
        bundle_seconds=desk.bundle_seconds,
    )
    mails = await notify(act.connection, act.announcements, options, act.now)
    await store_indexed(act.connection, act.letters)
    mails += act.letters
    act.held = tuple(await held_of(act.connection, [mail.outgoing_id for mail in mails]))
    not_told = {one.recipient for one in act.held}
    told = [delivery.recipient for mail in mails for delivery in mail.deliveries]
    told += await pending.waiting_for(
        act.connection,
        {one.issue_id for one in act.announcements},
        {one.cause for one in act.announcements},
    )
    act.notified = tuple(address for address in dict.fromkeys(told) if address not in not_told)
    entries = [
        Entry(ISSUE_CHANGED, record.conversation, _encoded(record)) for record in records_of(act)
    ]
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
        changes=_field_changes(act.changes),
        comment=act.comment,
    )


def records_of(act: ActInProgress) -> list[IssueChanged]:
    """Returns the record of the act, and one for each other issue that it changed."""
    own = record_of(act)
    others = [
        replace(
            own,
            issue_id=issue.issue_id,
            issue_key=issue.issue_key,
            project=issue.project,
            conversation=issue.conversation,
            changes=_field_changes(changes),
            comment=None,
        )
        for issue, changes in act.other_changes.items()
    ]
    return [own, *others]


def _field_changes(changes: Sequence[Change]) -> list[FieldChange]:
    return [
        FieldChange(field=one.field, before=_json(one.before), after=_json(one.after))
        for one in changes
    ]


def _encoded(record: IssueChanged) -> bytes:
    """Returns the record for Kafka, without the values before the act where it is too large.

    Raises ActTooLarge, with which the act is undone, when that is not enough.
    """
    value = avro.encode(record)
    if len(value) <= RECORD_MAX_BYTES:
        return value
    after = [replace(change, before=None) for change in record.changes]
    value = avro.encode(replace(record, changes=after))
    if len(value) > RECORD_MAX_BYTES:
        raise ActTooLarge(
            f"the new values have {len(value):,} bytes, and {RECORD_MAX_BYTES:,} are the most",
            remedy="Shorten the texts, or change the fields one after the other",
        )
    return value


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
