"""Applies CreateIssue: issues in the tracker, their conversations, their people."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decision import CreateIssue
from postrail.decision.facts import IssueRef
from postrail.effects.batch import Context, Made, Work
from postrail.effects.involvement import author_of, involvement
from postrail.effects.notify import Announcement
from postrail.incoming import conversations
from postrail.incoming.queue import DueMail
from postrail.notifications.compose import ISSUE_CREATED
from postrail.records import MailParsed
from postrail.tracker import IssueDraft, issues

NO_SUBJECT = "(no subject)"
SUMMARY_CHARACTERS = 255


async def create_issues(context: Context, works: Sequence[Work[CreateIssue]]) -> list[Made]:
    """Creates an issue for each effect."""
    drafts = [issue_draft(work, context.snapshot) for work in works]
    keys = await context.tracker.create_issues(context.connection, drafts, context.now)
    await conversations.map_issues(
        context.connection,
        [(draft.conversation, draft.project, key) for draft, key in zip(drafts, keys, strict=True)],
    )
    pairs = list(zip(works, keys, strict=True))
    involved = [
        involvement(work.due.mail, key, context.snapshot, muted=work.effect.muted)
        for work, key in pairs
    ]
    await issues.record_involvements(context.connection, involved)
    return [_made(work, key) for work, key in pairs]


def issue_draft(work: Work[CreateIssue], snapshot: ConfigurationSnapshot) -> IssueDraft:
    """Returns the issue to create: it holds the whole text, whose quotations may be new to us."""
    mail, author = work.due.mail, author_of(work.due.mail)
    linked_to = work.effect.linked_to
    return IssueDraft(
        project=work.effect.project,
        issue_type=snapshot.projects[work.effect.project].default_issue_type,
        summary=summary_of(mail),
        description=mail.text,
        description_blob=mail.text_blob.sha256 if mail.text_blob else None,
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


def _made(work: Work[CreateIssue], key: str) -> Made:
    issue = IssueRef(issue_key=key, project=work.effect.project)
    announcement = None if work.effect.muted else _announcement(work.due, key)
    return Made(mail_id=work.due.mail.mail_id, issue=issue, announcement=announcement)


def _announcement(due: DueMail, key: str) -> Announcement:
    return Announcement(
        issue_key=key,
        event=ISSUE_CREATED,
        cause=due.cause,
        author=author_of(due.mail),
        body=due.mail.text,
        mail=due.mail,
    )
