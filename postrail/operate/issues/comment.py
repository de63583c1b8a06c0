"""Adds comments to issues, and edits them: public ones, and internal ones for insiders only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from postrail import people
from postrail.database import Connection, storable
from postrail.effects.mentions import Mentions, Unresolved, resolve
from postrail.effects.notify import Announcement
from postrail.errors import PermanentError
from postrail.message_parts import CommentWritten
from postrail.notifications.events import COMMENTED, INTERNALLY_COMMENTED
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, acting
from postrail.operate.issues.persons import actor_with, help_desk
from postrail.operate.issues.watch import watches
from postrail.people.mentions import names_in
from postrail.tracker import CommentDraft, issues
from postrail.tracker.builtin import comments
from postrail.tracker.builtin.history import Change
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.issues import Involvement, Watcher
from postrail.workflow.rights import Act

# A record has the whole text, and at most 1 MiB.
TEXT_MAX_CHARACTERS = 100_000


class InvalidComment(PermanentError):
    """The text cannot be a comment."""


class CommentNotFound(PermanentError):
    """The issue has no comment with this id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commented(Told):
    """A committed comment, and the people that it notifies or mentions in vain."""

    comment_id: int
    internal: bool
    # The mentioned names that notify nobody.
    unresolved: tuple[Unresolved, ...] = ()


async def commenter(connection: Connection, address: str) -> Actor:
    """Returns the active person with this address as an author; raises PersonNotFound."""
    try:
        return await actor_with(connection, address)
    except people.PersonNotFound as error:
        raise people.PersonNotFound(
            error.problem,
            remedy="Let others write to the project's mailbox, or add the person to a file and"
            " run: postrail apply",
        ) from error


async def comment(
    desk: Desk, actor: Actor, issue_key: str, text: str, *, internal: bool = False
) -> Commented:
    """Adds a comment, and notifies the watchers and the mentioned people.

    A comment of the operator is from the address that the project's mail is from. Raises as
    `acting` does, InvalidComment for a text that is blank or too long, and ConfigurationError
    without such an address.
    """
    text = checked(text)
    kind = Act.COMMENT_INTERNALLY if internal else Act.COMMENT
    async with acting(desk, actor, kind, issue_key) as act:
        author = act.author if actor.address else help_desk(act.snapshot, act.project, "--author")
        comment_id = await add_comment(act, author, text, internal=internal)
        mentions = await _mentions(act, text, internal)
        announced = _announcement(act, author, text, internal, mentions)
        act.announcements.append(replace(announced, comment_id=comment_id))
    return Commented(
        issue_key=act.issue.issue_key,
        comment_id=comment_id,
        internal=internal,
        notified=act.notified,
        held=act.held,
        unresolved=mentions.unresolved,
    )


async def edit_comment(
    desk: Desk, actor: Actor, issue_key: str, comment_id: int, text: str, *, internal: bool = False
) -> Commented:
    """Gives a comment another text, and keeps the former one; nobody is notified.

    With `internal` a public comment becomes an internal one. An internal one stays internal: its
    answers may quote it. Raises as `comment` does, and CommentNotFound.
    """
    text = checked(text)
    async with acting(desk, actor, Act.EDIT_COMMENT, issue_key) as act:
        former = await comments.stored_comment(act.connection, act.issue.issue_key, comment_id)
        if former is None:
            raise CommentNotFound(
                f"{act.issue.issue_key} has no comment {comment_id}",
                remedy=f"List them with: postrail issues show {act.issue.issue_key}",
            )
        internal = internal or former.internal
        if (former.body, former.internal) != (text, internal):
            await comments.replace_text(
                act.connection, former, act.behind, body=text, internal=internal
            )
            before = {"id": comment_id, "internal": former.internal}
            after = {"id": comment_id, "internal": internal}
            # The texts are in `comment_edit` and `comment`, so that the values may be the same.
            act.changes.append(Change("comment", before, after))
            act.comment = CommentWritten(
                comment_id=comment_id,
                author_address="",
                author_name="",
                text=text,
                internal=internal,
            )
    return Commented(issue_key=act.issue.issue_key, comment_id=comment_id, internal=internal)


async def add_comment(
    act: ActInProgress, author: Watcher, text: str, *, internal: bool, letter: bool = False
) -> int:
    """Adds a comment of the act to its issue, in which the author takes part; returns its id.

    With `letter` it records a message that the author sends from the issue.
    """
    draft = replace(_draft(act, author, text, internal), letter=letter)
    (comment_id,) = await BuiltinTracker().add_comments(act.connection, [draft], act.now)
    act.changed("comment", None, {"id": comment_id, "internal": internal})
    act.comment = CommentWritten(
        comment_id=comment_id,
        author_address=author.address,
        author_name=author.name,
        text=text,
        internal=internal,
    )
    await _involve(act, author)
    return comment_id


def checked(text: str) -> str:
    """Returns the text as a row holds it; raises InvalidComment."""
    if not text.strip():
        raise InvalidComment("the comment has no text", remedy="Give the text after the key")
    if len(text) > TEXT_MAX_CHARACTERS:
        raise InvalidComment(
            f"the comment has {len(text)} characters, and {TEXT_MAX_CHARACTERS} are the most",
            remedy="Attach the text as a file: postrail issues attachments add",
        )
    return storable(text)


def _draft(act: ActInProgress, author: Watcher, text: str, internal: bool) -> CommentDraft:
    return CommentDraft(
        issue_key=act.issue.issue_key,
        body=text,
        body_blob=None,
        author_address=author.address,
        author_name=author.name,
        mail_id=None,
        revision=1,
        attachments=(),
        internal=internal,
        act_id=act.act_id,
    )


async def _involve(act: ActInProgress, author: Watcher) -> None:
    """Lets the author take part in the issue, and watch it unless the address is ours."""
    taking_part = Involvement(
        issue_id=act.issue.issue_id, watchers=(), participants=(author.address,), arrived_at=None
    )
    await issues.record_involvements(act.connection, [taking_part])
    if author.address not in act.snapshot.own_addresses:
        await watches(act, author.address)


async def _mentions(act: ActInProgress, text: str, internal: bool) -> Mentions:
    return await resolve(
        act.connection, names_in(text), act.project, act.role, act.actor.channel, internal=internal
    )


def _announcement(
    act: ActInProgress, author: Watcher, text: str, internal: bool, mentions: Mentions
) -> Announcement:
    return Announcement(
        issue_id=act.issue.issue_id,
        event=INTERNALLY_COMMENTED if internal else COMMENTED,
        cause=act.cause,
        author=author,
        body=text,
        mentioned=mentions.people,
        internal=internal,
        by_person=True,
    )
