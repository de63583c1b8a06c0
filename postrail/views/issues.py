"""Issues of the built-in tracker as people look at them: a list, and one with all that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import class_row

from postrail.database import Connection, rows
from postrail.errors import PermanentError


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRow:
    """An issue as a list shows it."""

    issue_key: str
    project: str
    issue_type: str
    status: str
    summary: str
    reporter_address: str
    reporter_name: str
    comments: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentRow:
    """A file of an issue or a comment; its content is the blob of that SHA-256."""

    name: str
    content_type: str
    size: int
    sha256: str
    # None: of the issue itself.
    comment_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentRow:
    """A comment: what is new in a mail, and apart from that what it quotes and its signature.

    What is too large for the table is in blobs: `body_blob` is a whole text, `reply_blob` all parts
    of a reply (see `postrail.incoming.reply_parts`).
    """

    comment_id: int
    author_address: str
    author_name: str
    body: str
    body_blob: str | None
    quoted_text: str
    signature: str
    reply_blob: str | None
    mail_id: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueDetail:
    """An issue with all that belongs to it."""

    issue: IssueRow
    description: str
    description_blob: str | None
    # The mail that made it.
    mail_id: str | None
    comments: Sequence[CommentRow]
    attachments: Sequence[AttachmentRow]
    watchers: Sequence[str]
    # The watched addresses at which its mails arrived.
    addresses: Sequence[str]
    # Issues it links to, with the kind of the link: "HELP-1 (named in the subject)".
    links: Sequence[str]


_ROW: LiteralString = """
SELECT issue.issue_key, issue.project_key AS project, issue_type, status, summary,
    reporter_address, reporter_name, created_at, changed_at,
    (SELECT count(*) FROM comment WHERE comment.issue_key = issue.issue_key) AS comments
FROM issue
"""


async def issues(
    connection: Connection,
    *,
    limit: int = 50,
    project: str | None = None,
    status: str | None = None,
) -> list[IssueRow]:
    """The issues that changed last, newest change first; of one project or status where wanted."""
    conditions: list[LiteralString] = []
    if project is not None:
        conditions.append("issue.project_key = %(project)s")
    if status is not None:
        conditions.append("status = %(status)s")
    where: LiteralString = "WHERE " + " AND ".join(conditions) if conditions else ""
    return await _issues(
        connection,
        _ROW + where + " ORDER BY changed_at DESC, number DESC LIMIT %(limit)s",
        {"project": project, "status": status, "limit": limit},
    )


async def issue(connection: Connection, issue_key: str) -> IssueDetail:
    """One issue with its comments; raises PermanentError when there is none of that key."""
    found = await _issues(connection, _ROW + "WHERE issue.issue_key = %(key)s", {"key": issue_key})
    if not found:
        raise PermanentError(f"there is no issue {issue_key!r}", remedy="See: postrail issues list")
    ((description, description_blob, mail_id),) = await rows(
        connection,
        "SELECT description, description_blob, mail_id::text FROM issue WHERE issue_key = %s",
        [issue_key],
    )
    return IssueDetail(
        issue=found[0],
        description=description,
        description_blob=description_blob,
        mail_id=mail_id,
        comments=await _comments(connection, issue_key),
        attachments=await _attachments(connection, issue_key),
        watchers=await _names(
            connection, "SELECT address FROM watcher WHERE issue_key = %s ORDER BY 1", issue_key
        ),
        addresses=await _names(
            connection,
            "SELECT address FROM issue_address WHERE issue_key = %s ORDER BY 1",
            issue_key,
        ),
        links=await _names(
            connection,
            "SELECT linked_key || ' (' || kind || ')' FROM issue_link WHERE issue_key = %s"
            " ORDER BY 1",
            issue_key,
        ),
    )


async def _issues(
    connection: Connection, statement: LiteralString, parameters: dict[str, Any]
) -> list[IssueRow]:
    async with connection.cursor(row_factory=class_row(IssueRow)) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()


async def _comments(connection: Connection, issue_key: str) -> list[CommentRow]:
    async with connection.cursor(row_factory=class_row(CommentRow)) as cursor:
        await cursor.execute(
            "SELECT comment_id, author_address, author_name, body, body_blob, quoted_text,"
            " signature, reply_blob, mail_id::text, created_at"
            " FROM comment WHERE issue_key = %s ORDER BY comment_id",
            [issue_key],
        )
        return await cursor.fetchall()


async def _attachments(connection: Connection, issue_key: str) -> list[AttachmentRow]:
    async with connection.cursor(row_factory=class_row(AttachmentRow)) as cursor:
        await cursor.execute(
            "SELECT name, content_type, size, sha256, comment_id FROM attachment"
            " WHERE issue_key = %s ORDER BY attachment_id",
            [issue_key],
        )
        return await cursor.fetchall()


async def _names(connection: Connection, statement: LiteralString, issue_key: str) -> list[str]:
    return [row[0] for row in await rows(connection, statement, [issue_key])]
