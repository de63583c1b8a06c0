"""Counts the issues that refer to addresses of persons: as the assignee, or in a custom field."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import LiteralString

from postrail.database import Connection
from postrail.tracker.builtin.usage import counted

_ASSIGNED: LiteralString = (
    "SELECT issue_key FROM issue WHERE assignee = ANY(%(addresses)s) AND merged_into IS NULL"
)
_NAMED: LiteralString = (
    "SELECT DISTINCT issue_key"
    " FROM unnest(%(projects)s::text[], %(fields)s::text[]) AS held (project_key, field)"
    " JOIN custom_value USING (project_key, field) JOIN issue USING (issue_key, project_key)"
    " WHERE merged_into IS NULL AND text_value = ANY(%(addresses)s)"
    # The index has the beginnings of long texts only.
    "  AND left(text_value, 200) = ANY(%(beginnings)s)"
)


async def assigned_issues(
    connection: Connection, addresses: Collection[str], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues that are assigned to the addresses, and the keys of some.

    Merged ones do not count: they are records, and give the address up (`free_merged_of`).
    """
    return await counted(connection, _ASSIGNED, {"addresses": sorted(addresses)}, most=most)


async def naming_issues(
    connection: Connection,
    addresses: Collection[str],
    fields: Sequence[tuple[str, str]],
    *,
    most: int,
) -> tuple[int, list[str]]:
    """Returns the number of issues with one of the addresses in a custom field, and some keys.

    The fields are given by project and name. Merged issues do not count.
    """
    parameters = {
        "projects": [project for project, _ in fields],
        "fields": [name for _, name in fields],
        "addresses": sorted(addresses),
        "beginnings": sorted({address[:200] for address in addresses}),
    }
    return await counted(connection, _NAMED, parameters, most=most)


async def free_merged_of(connection: Connection, addresses: Collection[str]) -> None:
    """Takes the addresses from merged issues, which nobody can assign to another person."""
    await connection.execute(
        "UPDATE issue SET assignee = NULL WHERE assignee = ANY(%s) AND merged_into IS NOT NULL",
        [sorted(addresses)],
    )
