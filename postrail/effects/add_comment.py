"""Applies AddComment: comments in the tracker, and the people and conversations that join."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decision import AddComment, Brings
from postrail.effects.batch import Context, Made, Work
from postrail.effects.fields.commands import obey_commands
from postrail.effects.involvement import author_of, involvement
from postrail.effects.mentions import NO_MENTIONS, Mentions, resolve
from postrail.effects.notify import Announcement, Hearers
from postrail.effects.reopen import reopen
from postrail.effects.texts.comment_text import CommentText, comment_text
from postrail.effects.texts.text_frame import taken
from postrail.incoming import conversations
from postrail.notifications.events import COMMENTED, INTERNALLY_COMMENTED, Event, from_outside
from postrail.notifications.issue_words import beginning
from postrail.tracker import CommentDraft, issues
from postrail.tracker.builtin.links import insert_links
from postrail.tracker.issues import Involvement, Watcher
from postrail.workflow.roles import Role, role_of

# The number of texts that are in memory as a whole.
TEXTS_AT_ONCE = 4


async def add_comments(context: Context, works: Sequence[Work[AddComment]]) -> list[Made]:
    """Adds a comment for each effect."""
    # Large texts are read concurrently: the transaction must not stay idle for their sum.
    slots = asyncio.Semaphore(TEXTS_AT_ONCE)
    # Before the commands: they decide about the status.
    await reopen(context, [work for work in works if work.effect.reopens])
    orders = [await obey_commands(context, work) for work in works]
    texts = await asyncio.gather(
        *(
            _text(context, work, checked.notes, slots)
            for work, (checked, _) in zip(works, orders, strict=True)
        )
    )
    drafts = [
        comment_draft(work, text, context.snapshot) for work, text in zip(works, texts, strict=True)
    ]
    ids = await context.tracker.add_comments(context.connection, drafts, context.now)
    await conversations.map_issues(context.connection, _joining(works))
    await insert_links(context.connection, _named_besides(works))
    await issues.record_involvements(
        context.connection, [_involvement(context, work) for work in works]
    )
    return [
        replace(
            _made(context, work, text, comment_id, await _mentions(context, work, text)),
            further=tuple(told),
        )
        for work, text, comment_id, (_, told) in zip(works, texts, ids, orders, strict=True)
    ]


async def _text(
    context: Context, work: Work[AddComment], notes: Sequence[str], slots: asyncio.Semaphore
) -> CommentText:
    mail = work.due.mail
    async with slots:
        text = await comment_text(mail, work.effect.text, context.blobs, notes)
    # A batch keeps no more of large texts than its notifications hold.
    announced = beginning(text.announced, context.excerpt_max_characters)
    return replace(text, announced=announced)


def comment_draft(
    work: Work[AddComment], text: CommentText, snapshot: ConfigurationSnapshot
) -> CommentDraft:
    """Returns the comment to add."""
    mail, author = work.due.mail, commenter_of(work, snapshot)
    return CommentDraft(
        issue_key=work.effect.issue.issue_key,
        body=text.body,
        body_blob=text.body_blob,
        quoted_text=text.quoted_text,
        signature=text.signature,
        reply_blob=text.reply_blob,
        beginning=text.beginning,
        author_address=author.address,
        author_name=author.name,
        mail_id=mail.mail_id,
        revision=work.due.revision + 1,
        attachments=taken(work.effect.text, mail.attachments),
        internal=work.effect.internal,
        outsider=work.effect.outsider,
        own_time=work.due.own_time,
    )


def commenter_of(work: Work[AddComment], snapshot: ConfigurationSnapshot) -> Watcher:
    """Returns the sender, or the person who stands in for an unknown one."""
    if work.effect.author:
        return Watcher(address=work.effect.author, name="")
    return author_of(work.due.mail, snapshot)


def _involvement(context: Context, work: Work[AddComment]) -> Involvement:
    effect, issue_id = work.effect, work.effect.issue.issue_id
    found = involvement(
        work.due.mail, issue_id, context.snapshot, muted=effect.muted, brings=effect.brings
    )
    if not effect.adds_watchers or effect.brings is Brings.NOBODY:
        return replace(found, watchers=())
    added = (Watcher(address=address, name="") for address in effect.watchers)
    return replace(found, watchers=(*found.watchers, *added)) if effect.watchers else found


async def _mentions(context: Context, work: Work[AddComment], text: CommentText) -> Mentions:
    project = context.snapshot.projects.get(work.effect.issue.project)
    if work.effect.muted or work.effect.outsider or project is None or not text.mentioned:
        return NO_MENTIONS
    author = await people.find(
        context.connection, author_of(work.due.mail, context.snapshot).address
    )
    return await resolve(
        context.connection,
        text.mentioned,
        project,
        role_of(project, author) if work.effect.verified else Role.OUTSIDER,
        "mail",
        internal=work.effect.internal,
    )


def _joining(works: Sequence[Work[AddComment]]) -> list[tuple[str, int]]:
    return [
        (work.due.conversation, work.effect.issue.issue_id)
        for work in works
        if work.effect.joins_conversation
    ]


def _named_besides(works: Sequence[Work[AddComment]]) -> list[tuple[str, str]]:
    """Returns the links to issues that subjects name though the messages belong to others."""
    return [
        (work.effect.issue.issue_key, work.effect.links.issue_key)
        for work in works
        if work.effect.links and not work.effect.outsider
    ]


def _event(effect: AddComment, comment_id: int) -> Event:
    if effect.outsider:
        return from_outside(comment_id, internal=effect.internal)
    return INTERNALLY_COMMENTED if effect.internal else COMMENTED


def _made(
    context: Context,
    work: Work[AddComment],
    text: CommentText,
    comment_id: int,
    mentions: Mentions,
) -> Made:
    mail, issue, announcement = work.due.mail, work.effect.issue, None
    if not work.effect.muted:
        announcement = Announcement(
            issue_id=issue.issue_id,
            event=_event(work.effect, comment_id),
            cause=work.due.cause,
            author=author_of(mail, context.snapshot),
            body=text.announced,
            mail=mail,
            mentioned=mentions.people,
            comment_id=comment_id,
            internal=work.effect.internal,
            hearers=Hearers.INSIDERS if work.effect.outsider else Hearers.ALL,
        )
    return Made(mail_id=mail.mail_id, issue=issue, comment_id=comment_id, announcement=announcement)
