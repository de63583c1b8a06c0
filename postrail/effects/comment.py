"""Adds a comment that a person makes by a command or in the console, and notifies the watchers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.load import load_snapshot
from postrail.database import Pool, transaction
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.errors import PermanentError
from postrail.notifications.compose import COMMENTED
from postrail.notifications.entries import queued_entries
from postrail.stream import outbox
from postrail.tracker import CommentDraft, TransactionalTracker, issues
from postrail.tracker.issues import Involvement, Watcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Commented:
    """A committed comment, and the recipients of the messages that the services will send."""

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
    excerpt_max_characters: int,
    now: datetime,
) -> Commented:
    """Adds a comment and notifies the watchers, in one transaction.

    Raises PermanentError for an unknown issue.
    """
    author = Watcher(address=author_address.lower(), name=author_name)
    async with transaction(pool) as connection:
        issue = (await issues.by_key(connection, [issue_key])).get(issue_key)
        if issue is None:
            raise PermanentError(
                f"there is no issue {issue_key}", remedy="List them with: postrail issues list"
            )
        snapshot = await load_snapshot(connection)
        draft = _draft(issue.issue_key, author, text)
        (comment_id,) = await tracker.add_comments(connection, [draft], now)
        involved = Involvement(
            issue_id=issue.issue_id,
            watcher=None if author.address in snapshot.own_addresses else author,
            participants=(author.address,),
            arrived_at=None,
        )
        await issues.record_involvements(connection, [involved])
        announcement = Announcement(
            issue_id=issue.issue_id,
            event=COMMENTED,
            cause=f"comment {comment_id} on {issue.issue_key}",
            author=author,
            body=text,
        )
        options = NotificationOptions(
            snapshot=snapshot,
            message_id_key=message_id_key,
            excerpt_max_characters=excerpt_max_characters,
        )
        mails = await notify(connection, [announcement], options, now)
        await outbox.add(connection, queued_entries(mails), now)
    recipients = tuple(delivery.recipient for mail in mails for delivery in mail.deliveries)
    return Commented(comment_id=comment_id, told=recipients)


def _draft(issue_key: str, author: Watcher, text: str) -> CommentDraft:
    return CommentDraft(
        issue_key=issue_key,
        body=text,
        body_blob=None,
        author_address=author.address,
        author_name=author.name,
        mail_id=None,
        revision=1,
        attachments=(),
    )
