"""Rows for the search: the words of issues and comments, and parts of summaries and addresses.

A row of an issue has the words of its summary and description and of the names of its files, and
the parts of its summary and of its reporter's address (see `search_parts` in the migrations). A row
of a comment has the words of its new text and of the names of its files.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection

_ISSUE_WORDS = """
INSERT INTO issue_text (issue_key, words)
SELECT issue_key,
    search_words(search_language(project_key), concat_ws(E'\\n', summary, description, (
        SELECT string_agg(name, E'\\n') FROM attachment
        WHERE attachment.issue_key = issue.issue_key AND attachment.comment_id IS NULL)))
    || search_parts(':s', folded(left(summary, 1000)))
    || search_parts(':r', left(reporter_address, 1000))
FROM issue WHERE issue_key = ANY(%s)
ON CONFLICT (issue_key) WHERE comment_id IS NULL DO UPDATE SET words = excluded.words"""
_COMMENT_WORDS = """
INSERT INTO issue_text (issue_key, comment_id, words)
SELECT comment.issue_key, comment_id,
    search_words(search_language(project_key), concat_ws(E'\\n', body, (
        SELECT string_agg(name, E'\\n') FROM attachment
        WHERE attachment.comment_id = comment.comment_id)))
FROM comment JOIN issue USING (issue_key) WHERE comment_id = ANY(%s)
ON CONFLICT (comment_id) WHERE comment_id IS NOT NULL
    DO UPDATE SET words = excluded.words, issue_key = excluded.issue_key"""


async def write_issue_words(connection: Connection, issue_keys: Sequence[str]) -> None:
    """Lets the search find the issues by their present texts, files and reporters.

    It is for new issues, and after a change of one of these.
    """
    await connection.execute(_ISSUE_WORDS.encode(), [list(issue_keys)])


async def write_comment_words(connection: Connection, comment_ids: Sequence[int]) -> None:
    """Lets the search find the issues of comments by the comments' present texts and files."""
    await connection.execute(_COMMENT_WORDS.encode(), [list(comment_ids)])
