"""Reads issues of the built-in tracker: lists of them, and one in detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows, rows_as
from postrail.errors import PermanentError


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRow:
    """An issue as lists show it."""

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
    # None: the file belongs to the issue itself.
    comment_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentRow:
    """A comment: the new text of a message, and apart from it its quotation and signature.

    Texts that are too large for the table are in blobs: `body_blob` is a whole text, `reply_blob`
    holds all parts of a reply (see `postrail.incoming.reply_parts`).
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
    """An issue with its texts, files, people and links."""

    issue: IssueRow
    description: str
    description_blob: str | None
    # The message that made it.
    mail_id: str | None
    comments: Sequence[CommentRow]
    attachments: Sequence[AttachmentRow]
    watchers: Sequence[str]
    # The watched addresses at which its messages arrived.
    addresses: Sequence[str]
    # Issues it links to, with the kind of the link: "HELP-1 (named in the subject)".
    links: Sequence[str]


_ROW: LiteralString = """
SELECT issue_key, project_key AS project, issue_type, status, summary,
    reporter_address, reporter_name, created_at, changed_at,
    (SELECT count(*) FROM comment WHERE comment.issue_key = issue.issue_key) AS comments
FROM issue"""

_COMMENTS: LiteralString = """
SELECT comment_id, author_address, author_name, body, body_blob, quoted_text, signature,
    reply_blob, mail_id::text, created_at
FROM comment WHERE issue_key = %s ORDER BY comment_id"""

_ATTACHMENTS: LiteralString = """
SELECT name, content_type, size, sha256, comment_id
FROM attachment WHERE issue_key = %s ORDER BY attachment_id"""

_WATCHERS: LiteralString = (
    "SELECT address FROM watcher JOIN issue_index USING (issue_id)"
    " WHERE tracker = 'builtin' AND issue_key = %s ORDER BY 1"
)

_ADDRESSES: LiteralString = (
    "SELECT address FROM issue_address JOIN issue_index USING (issue_id)"
    " WHERE tracker = 'builtin' AND issue_key = %s ORDER BY 1"
)

_LINKS: LiteralString = (
    "SELECT linked_key || ' (' || kind || ')' FROM issue_link WHERE issue_key = %s ORDER BY 1"
)


async def issue(connection: Connection, issue_key: str) -> IssueDetail:
    """Returns one issue with its comments; raises PermanentError for an unknown key."""
    key = [issue_key]
    found = await rows_as(connection, IssueRow, _ROW + " WHERE issue_key = %s", key)
    if not found:
        raise PermanentError(f"there is no issue {issue_key!r}", remedy="See: postrail issues list")
    ((description, description_blob, mail_id),) = await rows(
        connection,
        "SELECT description, description_blob, mail_id::text FROM issue WHERE issue_key = %s",
        key,
    )
    return IssueDetail(
        issue=found[0],
        description=description,
        description_blob=description_blob,
        mail_id=mail_id,
        comments=await rows_as(connection, CommentRow, _COMMENTS, key),
        attachments=await rows_as(connection, AttachmentRow, _ATTACHMENTS, key),
        watchers=await _first_column(connection, _WATCHERS, issue_key),
        addresses=await _first_column(connection, _ADDRESSES, issue_key),
        links=await _first_column(connection, _LINKS, issue_key),
    )


async def _first_column(
    connection: Connection, statement: LiteralString, issue_key: str
) -> list[str]:
    return [text for (text,) in await rows(connection, statement, [issue_key])]
