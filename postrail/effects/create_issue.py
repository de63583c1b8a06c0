"""Applies CreateIssue: issues in the tracker, their conversations, their people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from postrail.configuration.load import with_held_projects
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decision import CreateIssue
from postrail.decision.facts import IssueRef
from postrail.effects.add_comment import TEXTS_AT_ONCE
from postrail.effects.batch import Context, Made, Work
from postrail.effects.checked_fields import CheckedFields, checked_fields
from postrail.effects.fields.commands import (
    NO_COMMANDS,
    CheckedCommands,
    check_commands,
    write_commands,
)
from postrail.effects.involvement import author_of, involvement
from postrail.effects.new_issues import default_assignees, make_issues
from postrail.effects.notify import Announcement
from postrail.effects.records.moved_ids import conversation_of
from postrail.effects.texts.description import Description, whole_text, without_internal
from postrail.effects.texts.text_frame import frame_of, taken
from postrail.notifications.events import ISSUE_CREATED, ISSUE_OPENED, ISSUE_RECEIVED, new_for
from postrail.people import PersonRow
from postrail.records import MailParsed
from postrail.tracker import MEDIUM, IssueDraft, issues
from postrail.tracker.issues import Involvement, Watcher
from postrail.workflow.fields import SUMMARY_CHARACTERS

NO_SUBJECT = "(no subject)"


async def create_issues(context: Context, works: Sequence[Work[CreateIssue]]) -> list[Made]:
    """Creates an issue for each effect."""
    projects = {work.effect.project for work in works}
    snapshot = await with_held_projects(context.connection, context.snapshot, projects)
    defaults = await default_assignees(context.connection, snapshot, projects)
    effects = [work.effect for work in works]
    ordered = [await _commands(replace(context, snapshot=snapshot), work) for work in works]
    checked = [
        replace(fields, notes=(*fields.notes, *commands.notes))
        for fields, commands in zip(
            await checked_fields(context.connection, snapshot, effects), ordered, strict=True
        )
    ]
    assignees = [
        fields.assignee or defaults.get(effect.project)
        for fields, effect in zip(checked, effects, strict=True)
    ]
    slots = asyncio.Semaphore(TEXTS_AT_ONCE)
    descriptions = await asyncio.gather(
        *(_description(context, *one, slots) for one in zip(works, checked, strict=True))
    )
    drafts = [
        issue_draft(*one, snapshot)
        for one in zip(works, descriptions, assignees, checked, strict=True)
    ]
    message_ids = [work.due.mail.message_id for work in works]
    made = await make_issues(
        context.connection,
        context.tracker,
        list(zip(drafts, message_ids, strict=True)),
        context.now,
    )
    involved = [_involvement(context, *one) for one in zip(works, made, assignees, strict=True)]
    await issues.record_involvements(context.connection, involved)
    told = [
        await write_commands(replace(context, snapshot=snapshot), *one)
        for one in zip(works, made, ordered, strict=True)
    ]
    results = [_made(snapshot, *one) for one in zip(works, drafts, made, strict=True)]
    return [
        replace(one, further=(*further, *one.further))
        for one, further in zip(results, told, strict=True)
    ]


async def _commands(context: Context, work: Work[CreateIssue]) -> CheckedCommands:
    """Returns the checked commands of a message, for an issue as its project begins it."""
    if not work.effect.commands:
        return NO_COMMANDS
    project = context.snapshot.projects[work.effect.project]
    new = {"status": project.first_status, "resolution": None, "resolved": None}
    return await check_commands(context, work, project, new)


async def _description(
    context: Context, work: Work[CreateIssue], fields: CheckedFields, slots: asyncio.Semaphore
) -> Description:
    async with slots:
        if work.effect.quotes_internal:
            return await without_internal(work.due.mail, context.blobs)
        frame = frame_of(work.due.mail, work.effect.text, fields.notes)
        return await whole_text(work.due.mail, frame, context.blobs)


def issue_draft(
    work: Work[CreateIssue],
    description: Description,
    assignee: PersonRow | None,
    checked: CheckedFields,
    snapshot: ConfigurationSnapshot,
) -> IssueDraft:
    """Returns the issue to create."""
    mail, author, effect = work.due.mail, reporter_of(work, snapshot), work.effect
    project, linked_to = snapshot.projects[effect.project], effect.linked_to
    return IssueDraft(
        project=project.key,
        issue_type=effect.fields.issue_type or project.default_issue_type,
        status=project.first_status,
        assignee=assignee.address if assignee else None,
        summary=summary_of(mail, effect.fields.summary),
        description=description.text,
        description_blob=description.blob,
        beginning=description.beginning,
        reporter_address=author.address,
        reporter_name=author.name,
        conversation=conversation_of(work.due, effect),
        mail_id=mail.mail_id,
        revision=work.due.revision + 1,
        attachments=taken(effect.text, mail.attachments),
        priority=effect.fields.priority or MEDIUM,
        labels=effect.fields.labels,
        components=effect.fields.components,
        custom=checked.custom,
        linked_to=linked_to.issue_key if linked_to else None,
    )


def reporter_of(work: Work[CreateIssue], snapshot: ConfigurationSnapshot) -> Watcher:
    """Returns the sender, or the person who reports it in the sender's place."""
    if work.effect.reporter:
        return Watcher(address=work.effect.reporter, name=work.effect.reporter_name)
    return author_of(work.due.mail, snapshot)


def summary_of(mail: MailParsed, default: str = "") -> str:
    """Returns the subject on one line, cut to the summary's length, or a placeholder.

    An invitation without a subject may have a title; `default` is the mail handler's.
    """
    titles = (event.summary for event in mail.events)
    lines = (" ".join(title.split()) for title in (mail.subject, *titles, default))
    return next(filter(None, lines), NO_SUBJECT)[:SUMMARY_CHARACTERS]


def _involvement(
    context: Context, work: Work[CreateIssue], issue: IssueRef, assignee: PersonRow | None
) -> Involvement:
    """Returns the people whom the message brings, with its assignee and the handler's watchers."""
    effect = work.effect
    found = involvement(
        work.due.mail, issue.issue_id, context.snapshot, muted=effect.muted, brings=effect.brings
    )
    added = [Watcher(address=address, name="") for address in effect.watchers]
    if assignee is not None:
        added.append(Watcher(address=assignee.address, name=assignee.name))
    return replace(found, watchers=(*found.watchers, *added)) if added else found


def _made(
    snapshot: ConfigurationSnapshot, work: Work[CreateIssue], draft: IssueDraft, issue: IssueRef
) -> Made:
    mail = work.due.mail
    made = Made(mail_id=mail.mail_id, issue=issue)
    confirmation = Announcement(
        issue_id=issue.issue_id,
        event=ISSUE_RECEIVED if work.effect.neutral else ISSUE_CREATED,
        cause=work.due.cause,
        author=author_of(mail, snapshot),
        body=draft.description,
        mail=mail,
        muted=work.effect.muted,
    )
    opened = replace(confirmation, cause=f"{work.due.cause} opened", event=ISSUE_OPENED)
    made = replace(made, further=(*made.further, opened))
    if work.effect.muted:
        return made
    if work.effect.confirmed:
        made = replace(made, announcement=confirmation)
    if draft.assignee is None:
        return made
    cause, event = f"{work.due.cause} assigned", new_for(draft.assignee)
    return replace(made, assignment=replace(confirmation, cause=cause, event=event))
