"""Builds the WHERE clause of a list from the filters that were given."""

from __future__ import annotations

from typing import LiteralString

# Finds rows of an issue by its present key or a former one; takes the key. Rows keep the id that
# their issue had before it was merged: those of the issues merged into it are its own.
OF_ISSUE: LiteralString = """issue_id IN (
    SELECT member.issue_id FROM (
        SELECT issue_key AS key, coalesce(merged_into, issue_id) AS issue_id FROM issue_index
        UNION ALL SELECT alias_key, issue_id FROM issue_alias
    ) AS named JOIN issue_index AS member
        ON member.issue_id = named.issue_id OR member.merged_into = named.issue_id
    WHERE key = %s
)"""


def where(*filters: tuple[LiteralString, object]) -> tuple[LiteralString, list[object]]:
    """Returns the clause and its parameters; filters without a value (None or []) are left out.

    A filter is a condition with one placeholder, and its value.
    """
    given = [(condition, value) for condition, value in filters if value not in (None, [])]
    conditions: list[LiteralString] = [condition for condition, _ in given]
    clause: LiteralString = " WHERE " + " AND ".join(conditions) if conditions else ""
    return clause, [value for _, value in given]
