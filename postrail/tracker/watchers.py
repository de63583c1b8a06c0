"""The people who are notified of an issue's comments and changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from postrail.database import Connection, rows


async def watching(connection: Connection, issue_id: int) -> list[str]:
    """Returns the addresses of an issue's watchers, in alphabetical order."""
    found = await rows(
        connection, "SELECT address FROM watcher WHERE issue_id = %s ORDER BY address", [issue_id]
    )
    return [address for (address,) in found]


async def add_watchers(
    connection: Connection, added: Iterable[tuple[int, str, str]]
) -> list[tuple[int, str]]:
    """Adds watchers (issue id, address, name) and returns the new ones (issue id, address).

    One who watches already stays as it is.
    """
    names = {(issue_id, address.lower()): name for issue_id, address, name in added}
    if not names:
        return []
    # Sorted, so that two handlers that add to one issue never wait for each other.
    ordered = sorted(names)
    found = await rows(
        connection,
        "INSERT INTO watcher (issue_id, address, name)"
        " SELECT * FROM unnest(%s::bigint[], %b::text[], %b::text[])"
        " ON CONFLICT DO NOTHING RETURNING issue_id, address",
        [
            [issue_id for issue_id, _ in ordered],
            [address for _, address in ordered],
            [names[pair] for pair in ordered],
        ],
    )
    return [(issue_id, address) for issue_id, address in found]


async def remove_watchers(
    connection: Connection, issue_id: int, addresses: Collection[str]
) -> None:
    """Removes the watchers with these addresses, and notes that they have left."""
    left = {"issue_id": issue_id, "addresses": sorted(addresses)}
    await connection.execute(
        "DELETE FROM watcher WHERE issue_id = %(issue_id)s AND address = ANY(%(addresses)s)", left
    )
    await connection.execute(
        "INSERT INTO left_issue (issue_id, address)"
        " SELECT %(issue_id)s, unnest(%(addresses)s::text[]) ON CONFLICT DO NOTHING",
        left,
    )


async def left_by(connection: Connection, issue_id: int) -> set[str]:
    """Returns the addresses of those who have left the issue; some may watch it again."""
    found = await rows(connection, "SELECT address FROM left_issue WHERE issue_id = %s", [issue_id])
    return {address for (address,) in found}
