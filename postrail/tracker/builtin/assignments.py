"""Counts the issues that are assigned to addresses."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection, one


async def assigned_issues(
    connection: Connection, addresses: Collection[str], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues that are assigned to the addresses, and the keys of some.

    It counts merged ones, too: the row of the address is needed for them.
    """
    found = await one(
        connection,
        "SELECT count(*), (array_agg(issue_key ORDER BY created_at))[:%s]"
        " FROM issue WHERE assignee = ANY(%s)",
        [most, sorted(addresses)],
    )
    assert found is not None
    return found[0], found[1] or []
