"""Builds the WHERE clause of a list from the filters that were given."""

from __future__ import annotations

from typing import LiteralString


def where(*filters: tuple[LiteralString, object]) -> tuple[LiteralString, list[object]]:
    """Returns the clause and its parameters; filters without a value (None or []) are left out.

    A filter is a condition with one placeholder, and its value.
    """
    given = [(condition, value) for condition, value in filters if value not in (None, [])]
    conditions: list[LiteralString] = [condition for condition, _ in given]
    clause: LiteralString = " WHERE " + " AND ".join(conditions) if conditions else ""
    return clause, [value for _, value in given]
