"""Rows for the search: the words of issues and comments, and parts of summaries and addresses.

A row of an issue has the words of its summary, the summaries of issues merged into it, the names
of its files, and its description, and the parts of its summary and of its reporter's address (see
`search_parts` in the migrations). A row of a comment has the words of the names of its files and of
its new text. Of a text in a blob, a row has the beginning, which came with the draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

from postrail.database import Connection, rows, storable
from postrail.query.sql import FILLERS

# The rows that one call of `renew` looks at.
PAGE_ROWS = 100

# Names of files come before the text: `search_words` takes the first 50,000 characters.
_ISSUE_WORDS = """
INSERT INTO issue_text (issue_key, language, beginning, words)
SELECT issue_key, language, beginning,
    search_words(language, regexp_replace(concat_ws(E'\\n', summary, (
        SELECT left(string_agg(merged.summary, E'\\n'), 5000) FROM issue AS merged
        WHERE merged.merged_into = found.issue_key), (
        SELECT left(string_agg(name, E'\\n'), 20000) FROM attachment
        WHERE attachment.issue_key = found.issue_key AND attachment.comment_id IS NULL),
        description, beginning), 'FILLERS', '', 'g'))
    || search_parts(':s', folded(left(summary, 1000)))
    || search_parts(':r', left(reporter_address, 1000))
FROM (
    SELECT issue.issue_key, summary, description, reporter_address,
        search_language(project_key) AS language,
        CASE WHEN description_blob IS NOT NULL
            THEN coalesce(given.beginning, former.beginning) END AS beginning
    FROM unnest(%s::text[], %b::text[]) AS given (issue_key, beginning)
        JOIN issue ON issue.issue_key = given.issue_key
        LEFT JOIN issue_text AS former
            ON former.issue_key = given.issue_key AND former.comment_id IS NULL
    ORDER BY issue.issue_key {lock}
) AS found
ON CONFLICT (issue_key) WHERE comment_id IS NULL""".replace("FILLERS", FILLERS.pattern)
_COMMENT_WORDS = """
INSERT INTO issue_text (issue_key, comment_id, language, beginning, words)
SELECT issue_key, comment_id, language, beginning,
    search_words(language, regexp_replace(concat_ws(E'\\n', (
        SELECT left(string_agg(name, E'\\n'), 20000) FROM attachment
        WHERE attachment.comment_id = found.comment_id), body, beginning),
        'FILLERS', '', 'g'))
FROM (
    SELECT comment.issue_key, comment.comment_id, body,
        search_language(project_key) AS language,
        CASE WHEN body = '' AND coalesce(body_blob, reply_blob) IS NOT NULL
            THEN coalesce(given.beginning, former.beginning) END AS beginning
    FROM unnest(%s::bigint[], %b::text[]) AS given (comment_id, beginning)
        JOIN comment ON comment.comment_id = given.comment_id
        JOIN issue ON issue.issue_key = comment.issue_key
        LEFT JOIN issue_text AS former ON former.comment_id = given.comment_id
    ORDER BY comment.comment_id {lock}
) AS found
ON CONFLICT (comment_id) WHERE comment_id IS NOT NULL""".replace("FILLERS", FILLERS.pattern)
_RENEW = (
    " DO UPDATE SET words = excluded.words, issue_key = excluded.issue_key,"
    " language = excluded.language, beginning = excluded.beginning"
)
# A row that has come meanwhile is that of a later change.
_KEEP = " DO NOTHING"
# An issue whose key changes at this moment gets its rows, and those of its comments, by its move.
_UNMOVED = "FOR KEY SHARE OF issue SKIP LOCKED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The last issue and comment that `renew` has looked at; None: it was the last of all."""

    issue_key: str | None = ""
    comment_id: int | None = 0

    @property
    def at_end(self) -> bool:
        """Tells whether all issues and comments have been looked at."""
        return self.issue_key is None and self.comment_id is None


# Texts in blobs are given for drafts only: rows keep theirs.
_NONE: Mapping[Any, str] = MappingProxyType({})


async def write_issue_words(
    connection: Connection, issue_keys: Sequence[str], beginnings: Mapping[str, str] = _NONE
) -> None:
    """Lets the search find the issues by their present texts, files and reporters.

    It is for new issues, and after a change of one of these. `beginnings` are those of descriptions
    in blobs, by key.
    """
    await connection.execute(
        (_ISSUE_WORDS.format(lock="") + _RENEW).encode(), _with_beginnings(issue_keys, beginnings)
    )


async def write_comment_words(
    connection: Connection, comment_ids: Sequence[int], beginnings: Mapping[int, str] = _NONE
) -> None:
    """Lets the search find the issues of comments by the comments' present texts and files.

    `beginnings` are those of texts in blobs, by the comments' ids.
    """
    await connection.execute(
        (_COMMENT_WORDS.format(lock="") + _RENEW).encode(),
        _with_beginnings(comment_ids, beginnings),
    )


async def beginning_of(connection: Connection, issue_key: str) -> str | None:
    """Returns the beginning of the issue's description in a blob; None if there is none."""
    found = await rows(
        connection,
        "SELECT beginning FROM issue_text WHERE issue_key = %s AND comment_id IS NULL",
        [issue_key],
    )
    return found[0][0] if found else None


def _with_beginnings(ids: Sequence[Any], beginnings: Mapping[Any, str]) -> list[object]:
    return [list(ids), [storable(beginnings[one]) if one in beginnings else None for one in ids]]


async def renew(connection: Connection, place: Place) -> Place:
    """Writes the rows that issues or comments after the place need; returns the next place.

    Those that are older than the search lack their rows; the texts of these that are in blobs are
    not read. After a change of a project's language its rows are of another one. Issues that were
    merged into others need none.
    """
    if place.issue_key is not None:
        last_key = await _renew_page(connection, _ISSUES, place.issue_key)
        return Place(issue_key=last_key)
    if place.comment_id is not None:
        last_id = await _renew_page(connection, _COMMENTS, place.comment_id)
        return Place(issue_key=None, comment_id=last_id)
    return place


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    """The statements for one of the two kinds of rows."""

    # Takes the last id and a number of rows; returns ids, whether a row is missing, and whether it
    # is of another language than the project.
    page: LiteralString
    # Takes ids; locks their rows that nobody is changing, and returns the ids of these.
    lock: LiteralString
    words: str


_ISSUES = _Rows(
    page="SELECT issue.issue_key, merged_into IS NULL AND text_id IS NULL,"
    " merged_into IS NULL AND language IS DISTINCT FROM search_language(project_key)"
    " FROM issue"
    " LEFT JOIN issue_text ON issue_text.issue_key = issue.issue_key AND comment_id IS NULL"
    " WHERE issue.issue_key > %s ORDER BY issue.issue_key LIMIT %s",
    lock="SELECT issue_key FROM issue_text WHERE issue_key = ANY(%s) AND comment_id IS NULL"
    " FOR UPDATE SKIP LOCKED",
    words=_ISSUE_WORDS,
)
_COMMENTS = _Rows(
    page="SELECT comment.comment_id, text_id IS NULL,"
    " language IS DISTINCT FROM search_language(project_key)"
    " FROM comment JOIN issue USING (issue_key)"
    " LEFT JOIN issue_text ON issue_text.comment_id = comment.comment_id"
    " WHERE comment.comment_id > %s ORDER BY comment.comment_id LIMIT %s",
    lock="SELECT comment_id FROM issue_text WHERE comment_id = ANY(%s) FOR UPDATE SKIP LOCKED",
    words=_COMMENT_WORDS,
)


async def _renew_page(connection: Connection, of: _Rows, after: Any) -> Any:
    """Returns the last id of the page; None if there are no more rows."""
    found = await rows(connection, of.page, [after, PAGE_ROWS])
    words = of.words.format(lock=_UNMOVED)
    missing = [one for one, absent, _ in found if absent]
    if missing:
        await connection.execute((words + _KEEP).encode(), _with_beginnings(missing, _NONE))
    other = [one for one, absent, differs in found if differs and not absent]
    if other:
        # With the locks, the next statement sees all changes of these; others have another day.
        locked = [one for (one,) in await rows(connection, of.lock, [other])]
        await connection.execute((words + _RENEW).encode(), _with_beginnings(locked, _NONE))
    return found[-1][0] if found else None
