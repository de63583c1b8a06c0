"""A comment by a person at the command line or the console, and the mails that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.notifications.compose import (
    Cause,
    commented,
    compose,
    entries,
    index_outgoing,
    told_of_comment,
)
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from postrail.tracker import CommentDraft, TransactionalTracker, issues
from postrail.tracker.issues import Audience, Involvement, Watcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Commented:
    """A comment that is committed, and who is told; the services' sweepers send the mails."""

    comment_id: int
    told: tuple[str, ...]


async def add_comment(
    pool: Pool,
    tracker: TransactionalTracker,
    *,
    issue_key: str,
    author_address: str,
    author_name: str,
    text: str,
    message_id_key: bytes,
    now: datetime,
) -> Commented:
    """Adds a comment and tells the watchers, in one transaction.

    Raises PermanentError when there is no such issue.
    """
    async with transaction(pool) as connection:
        audience = (await issues.audiences(connection, [issue_key])).get(issue_key)
        if audience is None:
            raise PermanentError(
                f"there is no issue {issue_key}", remedy="List them with: postrail issues list"
            )
        configured = await load_snapshot(connection)
        draft = _draft(issue_key, author_address, author_name, text)
        (comment_id,) = await tracker.add_comments(connection, [draft], now)
        await issues.record_involvements(connection, [_involvement(draft, configured)])
        mails = _notifications(comment_id, draft, audience, configured, message_id_key, now)
        await index_outgoing(connection, mails)
        await outbox.add(connection, entries(mails), now)
    return Commented(
        comment_id=comment_id,
        told=tuple(recipient for mail in mails for recipient in mail.recipients),
    )


def _draft(issue_key: str, address: str, name: str, text: str) -> CommentDraft:
    return CommentDraft(
        issue_key=issue_key,
        body=text,
        body_blob=None,
        author_address=address.lower(),
        author_name=name,
        mail_id=None,
        revision=1,
        attachments=(),
    )


def _involvement(draft: CommentDraft, configured: ConfigurationSnapshot) -> Involvement:
    author = Watcher(address=draft.author_address, name=draft.author_name)
    return Involvement(
        issue_key=draft.issue_key,
        watcher=None if author.address in configured.own_addresses else author,
        participants=(author.address,),
        arrived_at=None,
    )


def _notifications(
    comment_id: int,
    draft: CommentDraft,
    audience: Audience,
    configured: ConfigurationSnapshot,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    connection = configured.connection_for(audience.project)
    if connection is None:
        return []
    cause = Cause(
        name=f"comment {comment_id} on {audience.issue_key}",
        conversation=audience.conversation,
        issue_key=audience.issue_key,
        in_reply_to=audience.first_message_id,
        references=(audience.first_message_id,) if audience.first_message_id else (),
        reply_to=configured.reply_address(audience.project, None),
        received_at=None,
        mailbox=None,
    )
    author = draft.author_name or draft.author_address
    return [
        compose(
            cause, person, commented(audience, author, draft.body), audience, connection, key, now
        )
        for person in told_of_comment(audience, draft.author_address, configured.own_addresses)
    ]
