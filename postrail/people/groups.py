"""The groups of persons, by name."""

from __future__ import annotations

from collections.abc import Iterable

from postrail.database import Connection, rows


async def names(connection: Connection, limit: int) -> tuple[str, ...]:
    """Returns the names of groups that have members, at most `limit` of them."""
    found = await rows(
        connection,
        "SELECT DISTINCT group_name FROM group_member ORDER BY group_name LIMIT %s",
        [limit],
    )
    return tuple(name for (name,) in found)


async def sizes(connection: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """Returns the number of members of these groups, by the group's name in lower case."""
    found = await rows(
        connection,
        "SELECT lower(group_name), count(*) FROM group_member WHERE lower(group_name) = ANY(%s)"
        " GROUP BY 1",
        [sorted(set(wanted))],
    )
    return dict(found)


async def members(connection: Connection, wanted: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns all addresses of the members of these groups, by the group's name."""
    found = await rows(
        connection,
        "SELECT group_name, array_agg(address) FROM group_member"
        " JOIN person_address USING (person_id) WHERE group_name = ANY(%s) GROUP BY group_name",
        [[form for name in wanted for form in (name, name.lower())]],
    )
    return {name: frozenset(addresses) for name, addresses in found}
