"""Applies CreateIssue: issues in the tracker, their conversations, their people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from postrail import people
from postrail.configuration.load import with_held_projects
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import CreateIssue
from postrail.decision.facts import IssueRef
from postrail.effects.batch import Context, Made, Work
from postrail.effects.comment_text import beginning_of_text
from postrail.effects.description import Description, whole_text, without_internal
from postrail.effects.involvement import author_of, involvement
from postrail.effects.notify import Announcement
from postrail.incoming import conversations
from postrail.notifications.changes import new_for
from postrail.notifications.compose import ISSUE_CREATED
from postrail.people import PersonRow
from postrail.records import MailParsed
from postrail.tracker import IssueDraft, issues
from postrail.tracker.issues import NewIssue, Watcher
from postrail.tracker.watchers import add_watcher
from postrail.workflow.fields import SUMMARY_CHARACTERS

NO_SUBJECT = "(no subject)"


async def create_issues(context: Context, works: Sequence[Work[CreateIssue]]) -> list[Made]:
    """Creates an issue for each effect."""
    projects = {work.effect.project for work in works}
    snapshot = await with_held_projects(context.connection, context.snapshot, projects)
    assignees = await default_assignees(context.connection, snapshot, works)
    descriptions = await asyncio.gather(*(_description(context, work) for work in works))
    drafts = [
        issue_draft(work, description, snapshot, assignees)
        for work, description in zip(works, descriptions, strict=True)
    ]
    keys = await context.tracker.create_issues(context.connection, drafts, context.now)
    new = [_indexed(context, *made) for made in zip(works, drafts, keys, strict=True)]
    ids = await issues.add(context.connection, new, context.now)
    pairs = [(one.conversation, issue_id) for one, issue_id in zip(new, ids, strict=True)]
    await conversations.map_issues(context.connection, pairs)
    involved = [
        involvement(work.due.mail, issue_id, context.snapshot, muted=work.effect.muted)
        for work, issue_id in zip(works, ids, strict=True)
    ]
    await issues.record_involvements(context.connection, involved)
    for draft, issue_id in zip(drafts, ids, strict=True):
        if draft.assignee:
            watcher = Watcher(address=draft.assignee, name=assignees[draft.project].name)
            await add_watcher(context.connection, issue_id, watcher)
    return [_made(*one) for one in zip(works, ids, drafts, keys, strict=True)]


async def default_assignees(
    connection: Connection, snapshot: ConfigurationSnapshot, works: Sequence[Work[CreateIssue]]
) -> dict[str, PersonRow]:
    """Returns the default assignees of the issues' projects, by key, unless they are inactive."""
    wanted = {
        key: assignee
        for key in {work.effect.project for work in works}
        if (assignee := snapshot.projects[key].own_assignee)
    }
    persons = await people.by_address(connection, wanted.values())
    return {
        key: person
        for key, assignee in wanted.items()
        if (person := persons.get(assignee)) and person.active
    }


async def _description(context: Context, work: Work[CreateIssue]) -> Description:
    if work.effect.quotes_internal:
        return await without_internal(work.due.mail, context.blobs)
    mail = work.due.mail
    return whole_text(mail, await beginning_of_text(mail, context.blobs))


def issue_draft(
    work: Work[CreateIssue],
    description: Description,
    snapshot: ConfigurationSnapshot,
    assignees: Mapping[str, PersonRow],
) -> IssueDraft:
    """Returns the issue to create."""
    mail, author = work.due.mail, author_of(work.due.mail)
    project, linked_to = snapshot.projects[work.effect.project], work.effect.linked_to
    assignee = assignees.get(project.key)
    return IssueDraft(
        project=project.key,
        issue_type=project.default_issue_type,
        status=project.first_status,
        assignee=assignee.address if assignee else None,
        summary=summary_of(mail),
        description=description.text,
        description_blob=description.blob,
        beginning=description.beginning,
        reporter_address=author.address,
        reporter_name=author.name,
        conversation=work.due.conversation,
        mail_id=mail.mail_id,
        revision=work.due.revision + 1,
        attachments=tuple(mail.attachments),
        linked_to=linked_to.issue_key if linked_to else None,
    )


def summary_of(mail: MailParsed) -> str:
    """Returns the subject on one line, cut to the summary's length, or a placeholder."""
    return " ".join(mail.subject.split())[:SUMMARY_CHARACTERS] or NO_SUBJECT


def _indexed(context: Context, work: Work[CreateIssue], draft: IssueDraft, key: str) -> NewIssue:
    return NewIssue(
        tracker=context.tracker.name,
        issue_key=key,
        project=draft.project,
        conversation=draft.conversation,
        summary=draft.summary,
        first_message_id=work.due.mail.message_id,
    )


def _made(work: Work[CreateIssue], issue_id: int, draft: IssueDraft, key: str) -> Made:
    mail = work.due.mail
    made = Made(
        mail_id=mail.mail_id,
        issue=IssueRef(issue_id=issue_id, issue_key=key, project=draft.project),
    )
    if work.effect.muted:
        return made
    confirmation = Announcement(
        issue_id=issue_id,
        event=ISSUE_CREATED,
        cause=work.due.cause,
        author=author_of(mail),
        body=draft.description,
        mail=mail,
    )
    if draft.assignee is None:
        return replace(made, announcement=confirmation)
    cause, event = f"{work.due.cause} assigned", new_for(draft.assignee)
    assignment = replace(confirmation, cause=cause, event=event)
    return replace(made, announcement=confirmation, assignment=assignment)
