"""Builds the WHERE clause of a list from the filters that were given."""

from __future__ import annotations

from typing import LiteralString

# Finds rows of an issue by its present key or a former one; takes the key.
OF_ISSUE: LiteralString = """issue_id IN (
    SELECT issue_id FROM (
        SELECT issue_key AS key, issue_id FROM issue_index
        UNION ALL SELECT alias_key, issue_id FROM issue_alias
    ) AS named WHERE key = %s
)"""


def where(*filters: tuple[LiteralString, object]) -> tuple[LiteralString, list[object]]:
    """Returns the clause and its parameters; filters without a value (None or []) are left out.

    A filter is a condition with one placeholder, and its value.
    """
    given = [(condition, value) for condition, value in filters if value not in (None, [])]
    conditions: list[LiteralString] = [condition for condition, _ in given]
    clause: LiteralString = " WHERE " + " AND ".join(conditions) if conditions else ""
    return clause, [value for _, value in given]
