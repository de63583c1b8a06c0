"""Records what issues become by moves and merges: former keys and merged ids lead to them.

The callers hold the locks of the issues (`postrail.tracker.issues.lock`), and their turn.
"""

from __future__ import annotations

from postrail.database import Connection, rows
from postrail.tracker.issues import IndexedIssue, add_alias
from postrail.tracker.watchers import add_watchers

TURN_LOCK = 0x6D6F7665


async def take_turn(connection: Connection) -> None:
    """Waits until no other transaction moves, merges or links issues; ends with this one.

    It comes before the locks of issues.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", [TURN_LOCK])


async def record_move(connection: Connection, issue: IndexedIssue, key: str, project: str) -> None:
    """Gives the issue its new key; the former one leads to it from now on."""
    ((tracker,),) = await rows(
        connection,
        "UPDATE issue_index SET issue_key = %s, project_key = %s WHERE issue_id = %s"
        " RETURNING tracker",
        [key, project, issue.issue_id],
    )
    await add_alias(connection, tracker, issue.issue_key, issue.project, issue.issue_id)


async def record_merge(
    connection: Connection, merged: IndexedIssue, into: IndexedIssue
) -> list[str]:
    """Makes an issue the successor of another; returns the watchers that are new to it.

    People, addresses and former keys go over to it, also those of issues that were merged before:
    a chain of merges has one step.
    """
    ids = {"merged": merged.issue_id, "into": into.issue_id}
    found = await rows(
        connection,
        "UPDATE issue_index SET merged_into = %(into)s"
        " WHERE issue_id = %(merged)s OR merged_into = %(merged)s RETURNING issue_id, tracker",
        ids,
    )
    await connection.execute(
        "UPDATE issue_alias SET issue_id = %(into)s WHERE issue_id = %(merged)s", ids
    )
    tracker = next(tracker for issue_id, tracker in found if issue_id == merged.issue_id)
    await add_alias(connection, tracker, merged.issue_key, merged.project, into.issue_id)
    for table in ("participant", "issue_address", "left_issue"):
        await _hand_over(connection, table, merged.issue_id, into.issue_id)
    return await _hand_over_watchers(connection, merged.issue_id, into.issue_id)


async def _hand_over_watchers(connection: Connection, merged_id: int, into_id: int) -> list[str]:
    gone = await rows(
        connection, "DELETE FROM watcher WHERE issue_id = %s RETURNING address, name", [merged_id]
    )
    new = await add_watchers(connection, [(into_id, address, name) for address, name in gone])
    return [address for _, address in new]


async def _hand_over(connection: Connection, table: str, merged_id: int, into_id: int) -> None:
    """Moves the rows of an issue, one for each address; those that the other one has stay there."""
    ids = {"merged": merged_id, "into": into_id}
    await connection.execute(
        f"DELETE FROM {table} WHERE issue_id = %(merged)s AND address IN"  # noqa: S608
        f" (SELECT address FROM {table} WHERE issue_id = %(into)s)".encode(),
        ids,
    )
    await connection.execute(
        f"UPDATE {table} SET issue_id = %(into)s WHERE issue_id = %(merged)s".encode(),  # noqa: S608
        ids,
    )
