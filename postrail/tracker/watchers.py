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
    """Removes the watchers with these addresses."""
    await connection.execute(
        "DELETE FROM watcher WHERE issue_id = %s AND address = ANY(%s)",
        [issue_id, list(addresses)],
    )
