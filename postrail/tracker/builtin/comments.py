"""Rows of comments of the built-in tracker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as
from postrail.tracker import CommentDraft
from postrail.tracker.builtin.history import Behind
from postrail.tracker.builtin.search_text import write_comment_words


async def insert_comments(
    connection: Connection, drafts: Sequence[CommentDraft], now: datetime
) -> list[int]:
    """Inserts the comments and returns their ids, which grow in the order of the drafts.

    One whose message comes late has the message's own time, and the time at which it is added.
    """
    found = await rows(
        connection,
        "INSERT INTO comment (issue_key, author_address, author_name, body, body_blob, quoted_text,"
        "  signature, reply_blob, mail_id, revision, internal, outsider, letter, act_id,"
        "  created_at, added_late_at)"
        " SELECT issue_key, author_address, author_name, body, body_blob, quoted_text, signature,"
        "  reply_blob, mail_id, revision, internal, outsider, letter, act_id, least(own_time, now),"
        "  CASE WHEN own_time IS NOT NULL THEN now END"
        " FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %s::uuid[], %s::int[], %s::bool[], %s::bool[], %s::bool[],"
        "  %s::uuid[], %s::timestamptz[])"
        "  WITH ORDINALITY AS draft(issue_key, author_address, author_name, body, body_blob,"
        "   quoted_text, signature, reply_blob, mail_id, revision, internal, outsider,"
        "   letter, act_id, own_time, place), (SELECT %s::timestamptz AS now) AS clock"
        " ORDER BY place RETURNING comment_id",
        [
            [draft.issue_key for draft in drafts],
            [draft.author_address for draft in drafts],
            [draft.author_name for draft in drafts],
            [draft.body for draft in drafts],
            [draft.body_blob for draft in drafts],
            [draft.quoted_text for draft in drafts],
            [draft.signature for draft in drafts],
            [draft.reply_blob for draft in drafts],
            [draft.mail_id for draft in drafts],
            [draft.revision for draft in drafts],
            [draft.internal for draft in drafts],
            [draft.outsider for draft in drafts],
            [draft.letter for draft in drafts],
            [draft.act_id for draft in drafts],
            [draft.own_time for draft in drafts],
            now,
        ],
    )
    return [row[0] for row in found]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredComment:
    """The parts of a comment that an edit may change, as they are stored."""

    comment_id: int
    body: str
    # Of a large text, which is not in `body`.
    body_blob: str | None
    internal: bool


async def stored_comment(
    connection: Connection, issue_key: str, comment_id: int
) -> StoredComment | None:
    """Returns the comment; None if the issue has no comment with this id."""
    found = await rows_as(
        connection,
        StoredComment,
        "SELECT comment_id, body, body_blob, internal FROM comment"
        " WHERE issue_key = %s AND comment_id = %s",
        [issue_key, comment_id],
    )
    return found[0] if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedComment:
    """A comment as it came, and whether it is by somebody who takes no part in the issue."""

    mail_id: str | None
    author_address: str
    author_name: str
    body: str
    # Of large texts, as in `CommentDraft`.
    body_blob: str | None
    reply_blob: str | None
    internal: bool
    outsider: bool
    # A person has accepted it.
    accepted: bool


async def received_comment(
    connection: Connection, issue_key: str, comment_id: int
) -> ReceivedComment | None:
    """Returns the comment; None if the issue has no comment with this id."""
    found = await rows_as(
        connection,
        ReceivedComment,
        "SELECT mail_id::text, author_address, author_name, body, body_blob, reply_blob, internal,"
        "  outsider, accepted_at IS NOT NULL AS accepted"
        " FROM comment WHERE issue_key = %s AND comment_id = %s",
        [issue_key, comment_id],
    )
    return found[0] if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierComment:
    """A comment that a notification of a later one may quote."""

    # The later one.
    before: int
    comment_id: int
    mail_id: str | None
    author_address: str
    author_name: str
    # The beginning; "" of a text in a blob.
    body: str
    in_blob: bool
    internal: bool
    created_at: datetime


async def comments_before(
    connection: Connection,
    asked: Collection[tuple[int, str, bool]],
    *,
    most: int,
    characters: int,
) -> list[EarlierComment]:
    """Returns the last comments before each of these, the latest first.

    `asked` has their ids, their issues, and whether internal comments are wanted. Messages that
    people sent from the issue count as internal: only those whom they name were sent them. Comments
    of outsiders that nobody has accepted are left out.
    """
    if not asked:
        return []
    return await rows_as(
        connection,
        EarlierComment,
        "SELECT asked.comment_id AS before, earlier.*"
        " FROM unnest(%s::bigint[], %b::text[], %s::bool[])"
        "  AS asked(comment_id, issue_key, with_internal)"
        " CROSS JOIN LATERAL ("
        "  SELECT comment_id, mail_id::text, author_address, author_name,"
        "   left(ltrim(body, E' \\t\\r\\n'), %s) AS body,"
        "   body = '' AND coalesce(body_blob, reply_blob) IS NOT NULL AS in_blob, internal,"
        "   created_at"
        "  FROM comment WHERE comment.issue_key = asked.issue_key"
        "   AND comment.comment_id < asked.comment_id "
        "   AND (asked.with_internal OR NOT (internal OR letter))"
        "   AND (NOT outsider OR accepted_at IS NOT NULL)"
        "  ORDER BY comment_id DESC LIMIT %s"
        " ) AS earlier ORDER BY before, earlier.comment_id DESC",
        [
            [comment_id for comment_id, _, _ in asked],
            [issue_key for _, issue_key, _ in asked],
            [with_internal for _, _, with_internal in asked],
            characters,
            most,
        ],
    )


async def accept_comment(connection: Connection, comment_id: int, now: datetime) -> None:
    """Marks the comment as accepted; the caller holds the lock of its issue."""
    await connection.execute(
        "UPDATE comment SET accepted_at = %s WHERE comment_id = %s", [now, comment_id]
    )


async def internal_among(connection: Connection, comment_ids: Sequence[int]) -> set[int]:
    """Returns those of the comments that are internal, by their ids."""
    if not comment_ids:
        return set()
    found = await rows(
        connection,
        "SELECT comment_id FROM comment WHERE comment_id = ANY(%s) AND internal",
        [list(comment_ids)],
    )
    return {comment_id for (comment_id,) in found}


async def replace_text(
    connection: Connection, former: StoredComment, behind: Behind, *, body: str, internal: bool
) -> None:
    """Gives the comment another text, and keeps the former one as an edit.

    The text of a large reply stays in the blob of its parts, which the comment goes on to name: the
    edit has no text then. The caller holds the lock of the issue.
    """
    await connection.execute(
        "INSERT INTO comment_edit (comment_id, act_id, edited_at, editor_address, editor_name,"
        "  body, body_blob, internal) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            former.comment_id,
            behind.act_id,
            behind.changed_at,
            behind.actor_address,
            behind.actor_name,
            former.body,
            former.body_blob,
            former.internal,
        ],
    )
    await connection.execute(
        "UPDATE comment SET body = %s, body_blob = NULL, internal = %s, edited_at = %s"
        " WHERE comment_id = %s",
        [body, internal, behind.changed_at, former.comment_id],
    )
    await write_comment_words(connection, [former.comment_id])
