"""Finds who takes part in issues: participants and watchers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from postrail.database import Connection, rows


async def taking_part(
    connection: Connection, pairs: Collection[tuple[int, str]]
) -> set[tuple[int, str]]:
    """Returns those of the pairs (issue id, address) of which the address takes part."""
    if not pairs:
        return set()
    found = await rows(
        connection,
        "WITH pair AS (SELECT * FROM unnest(%s::bigint[], %b::text[]) AS pair(issue_id, address))"
        " SELECT issue_id, address FROM participant JOIN pair USING (issue_id, address)"
        " UNION SELECT issue_id, address FROM watcher JOIN pair USING (issue_id, address)",
        [[issue_id for issue_id, _ in pairs], [address for _, address in pairs]],
    )
    return {(row[0], row[1]) for row in found}


async def participants_of(connection: Connection, issue_id: int) -> dict[str, bool]:
    """Returns the addresses that sent messages of the issue, or were in To or Cc of one.

    True for the senders of automatic messages alone.
    """
    found = await rows(
        connection,
        "SELECT address, automatic FROM participant WHERE issue_id = %s ORDER BY address",
        [issue_id],
    )
    return dict(found)


async def add_participants(connection: Connection, added: Iterable[tuple[int, str, bool]]) -> None:
    """Adds participants (issue id, address, whether by an automatic message that they sent).

    One who is added otherwise, too, is no longer one of automatic messages alone.
    """
    automatic: dict[tuple[int, str], bool] = {}
    for issue_id, address, by_robot in added:
        key = (issue_id, address)
        automatic[key] = by_robot and automatic.get(key, True)
    if not automatic:
        return
    # Sorted, so that two handlers that add to one issue never wait for each other.
    ordered = sorted(automatic)
    await connection.execute(
        "INSERT INTO participant (issue_id, address, automatic)"
        " SELECT * FROM unnest(%s::bigint[], %b::text[], %s::boolean[])"
        " ON CONFLICT (issue_id, address) DO UPDATE SET automatic = false"
        " WHERE participant.automatic AND NOT excluded.automatic",
        [
            [issue_id for issue_id, _ in ordered],
            [address for _, address in ordered],
            [automatic[pair] for pair in ordered],
        ],
    )
