"""Finds who takes part in issues: participants and watchers."""

from __future__ import annotations

from collections.abc import Collection

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


async def participants_of(connection: Connection, issue_id: int) -> list[str]:
    """Returns the addresses that sent messages of the issue, or were in To or Cc of one."""
    found = await rows(
        connection,
        "SELECT address FROM participant WHERE issue_id = %s ORDER BY address",
        [issue_id],
    )
    return [address for (address,) in found]
