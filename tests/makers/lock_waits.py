"""Waits until transactions of a test's database wait for locks of others."""

from __future__ import annotations

import asyncio

from postrail.database import Connection, Pool, one, transaction

WITHIN_SECONDS = 30


async def until_lock_waits(connection: Connection, number: int = 1) -> None:
    """Waits until at least this number of transactions wait for a lock.

    Those of other databases do not count: other tests use the same server.
    """
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            if await _waiting(connection) >= number:
                return
            await asyncio.sleep(0.02)


async def until_lock_waits_in(pool: Pool, number: int = 1) -> None:
    """Does the same on a connection of the pool."""
    async with transaction(pool) as connection:
        await until_lock_waits(connection, number)


async def _waiting(connection: Connection) -> int:
    # Within a transaction, PostgreSQL would show the same activity again and again.
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    found = await one(
        connection,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'",
    )
    assert found is not None
    return int(found[0])
