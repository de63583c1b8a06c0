"""Counts the issues that are assigned to addresses."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection, one


async def assigned_issues(
    connection: Connection, addresses: Collection[str], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues that are assigned to the addresses, and the keys of some.

    Merged ones do not count: they are records, and give the address up (`free_merged_of`).
    """
    found = await one(
        connection,
        "SELECT count(*), (array_agg(issue_key ORDER BY created_at))[:%s]"
        " FROM issue WHERE assignee = ANY(%s) AND merged_into IS NULL",
        [most, sorted(addresses)],
    )
    assert found is not None
    return found[0], found[1] or []


async def free_merged_of(connection: Connection, addresses: Collection[str]) -> None:
    """Takes the addresses from merged issues, which nobody can assign to another person."""
    await connection.execute(
        "UPDATE issue SET assignee = NULL WHERE assignee = ANY(%s) AND merged_into IS NOT NULL",
        [sorted(addresses)],
    )
