"""Counts the issues that refer to addresses of persons: as the assignee, or in a custom field."""

from __future__ import annotations

from collections.abc import Collection
from typing import LiteralString

from postrail.database import Connection
from postrail.tracker.builtin.usage import counted

_ASSIGNED: LiteralString = (
    "SELECT issue_key FROM issue WHERE assignee = ANY(%(addresses)s) AND merged_into IS NULL"
)
# The issues' project is that of the field; with it PostgreSQL uses the index of values.
_NAMED: LiteralString = (
    "SELECT DISTINCT issue_key FROM custom_field"
    " JOIN custom_value ON custom_value.project_key = custom_field.project_key"
    "  AND custom_value.field = custom_field.name"
    " JOIN issue USING (issue_key)"
    " WHERE kind = 'person' AND merged_into IS NULL AND text_value = ANY(%(addresses)s)"
    "  AND left(text_value, 200) = ANY(ARRAY(SELECT left(unnest(%(addresses)s), 200)))"
)


async def assigned_issues(
    connection: Connection, addresses: Collection[str], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues that are assigned to the addresses, and the keys of some.

    Merged ones do not count: they are records, and give the address up (`free_merged_of`).
    """
    return await counted(connection, _ASSIGNED, {"addresses": sorted(addresses)}, most=most)


async def naming_issues(
    connection: Connection, addresses: Collection[str], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues with one of the addresses in a custom field, and some keys.

    Merged ones do not count.
    """
    return await counted(connection, _NAMED, {"addresses": sorted(addresses)}, most=most)


async def free_merged_of(connection: Connection, addresses: Collection[str]) -> None:
    """Takes the addresses from merged issues, which nobody can assign to another person."""
    await connection.execute(
        "UPDATE issue SET assignee = NULL WHERE assignee = ANY(%s) AND merged_into IS NOT NULL",
        [sorted(addresses)],
    )
