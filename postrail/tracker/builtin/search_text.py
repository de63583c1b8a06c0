"""Rows for the search: the words of issues and comments, and parts of summaries and addresses.

A row of an issue has the words of its summary and description and of the names of its files, and
the parts of its summary and of its reporter's address (see `search_parts` in the migrations). A row
of a comment has the words of its new text and of the names of its files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from postrail.database import Connection, rows

# The rows that one call of `add_missing` looks at.
PAGE_ROWS = 100

_ISSUE_WORDS: LiteralString = """
INSERT INTO issue_text (issue_key, words)
SELECT issue_key,
    search_words(search_language(project_key), concat_ws(E'\\n', summary, description, (
        SELECT string_agg(name, E'\\n') FROM attachment
        WHERE attachment.issue_key = issue.issue_key AND attachment.comment_id IS NULL)))
    || search_parts(':s', folded(left(summary, 1000)))
    || search_parts(':r', left(reporter_address, 1000))
FROM issue WHERE issue_key = ANY(%s) ORDER BY issue_key"""
_ISSUE_ROW: LiteralString = " ON CONFLICT (issue_key) WHERE comment_id IS NULL"
_COMMENT_WORDS: LiteralString = """
INSERT INTO issue_text (issue_key, comment_id, words)
SELECT comment.issue_key, comment_id,
    search_words(search_language(project_key), concat_ws(E'\\n', body, (
        SELECT string_agg(name, E'\\n') FROM attachment
        WHERE attachment.comment_id = comment.comment_id)))
FROM comment JOIN issue USING (issue_key) WHERE comment_id = ANY(%s) ORDER BY comment_id"""
_COMMENT_ROW: LiteralString = " ON CONFLICT (comment_id) WHERE comment_id IS NOT NULL"
_RENEW: LiteralString = " DO UPDATE SET words = excluded.words, issue_key = excluded.issue_key"
# A row that has come meanwhile is that of a later change.
_KEEP: LiteralString = " DO NOTHING"
# An issue whose key changes at this moment gets its rows, and those of its comments, by its move.
_UNMOVED: LiteralString = " FOR KEY SHARE OF issue SKIP LOCKED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The last issue and comment that `add_missing` has looked at; None: it was the last of all."""

    issue_key: str | None = ""
    comment_id: int | None = 0

    @property
    def at_end(self) -> bool:
        """Tells whether all issues and comments have been looked at."""
        return self.issue_key is None and self.comment_id is None


async def write_issue_words(connection: Connection, issue_keys: Sequence[str]) -> None:
    """Lets the search find the issues by their present texts, files and reporters.

    It is for new issues, and after a change of one of these.
    """
    await connection.execute((_ISSUE_WORDS + _ISSUE_ROW + _RENEW).encode(), [list(issue_keys)])


async def write_comment_words(connection: Connection, comment_ids: Sequence[int]) -> None:
    """Lets the search find the issues of comments by the comments' present texts and files."""
    await connection.execute((_COMMENT_WORDS + _COMMENT_ROW + _RENEW).encode(), [list(comment_ids)])


async def add_missing(connection: Connection, place: Place) -> Place:
    """Adds the rows that some issues or comments after the place lack; returns the next place.

    Issues and comments lack their rows that are older than the search. Issues that were merged into
    others need none.
    """
    if place.issue_key is not None:
        return Place(issue_key=await _add_issues(connection, place.issue_key))
    if place.comment_id is not None:
        last = await _add_comments(connection, place.comment_id)
        return Place(issue_key=None, comment_id=last)
    return place


async def _add_issues(connection: Connection, after: str) -> str | None:
    """Returns the last key of the page; None if there are no more issues."""
    found = await rows(
        connection,
        "SELECT issue_key, merged_into IS NOT NULL OR EXISTS (SELECT 1 FROM issue_text"
        "  WHERE issue_text.issue_key = issue.issue_key AND comment_id IS NULL)"
        " FROM issue WHERE issue_key > %s ORDER BY issue_key LIMIT %s",
        [after, PAGE_ROWS],
    )
    missing = [key for key, complete in found if not complete]
    statement = _ISSUE_WORDS + _UNMOVED + _ISSUE_ROW + _KEEP
    await connection.execute(statement.encode(), [missing])
    return found[-1][0] if found else None


async def _add_comments(connection: Connection, after: int) -> int | None:
    """Returns the last id of the page; None if there are no more comments."""
    found = await rows(
        connection,
        "SELECT comment_id, EXISTS (SELECT 1 FROM issue_text"
        "  WHERE issue_text.comment_id = comment.comment_id)"
        " FROM comment WHERE comment_id > %s ORDER BY comment_id LIMIT %s",
        [after, PAGE_ROWS],
    )
    missing = [comment_id for comment_id, complete in found if not complete]
    statement = _COMMENT_WORDS + _UNMOVED + _COMMENT_ROW + _KEEP
    await connection.execute(statement.encode(), [missing])
    return found[-1][0] if found else None
