"""The pool on real PostgreSQL: what a process that stands still does to the others."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from postrail import database
from postrail.database import Pool, open_pool, transaction
from postrail.embedded.postgres import Postgres
from postrail.errors import TransientError
from postrail.settings import DatabaseSettings


async def test_a_frozen_process_does_not_keep_its_locks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_SECONDS", 0.5)
    pool = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    lock = "SELECT pg_advisory_xact_lock(1)"

    async def freeze() -> None:
        async with transaction(pool) as frozen:
            await frozen.execute(lock)
            async with asyncio.timeout(10), transaction(pool) as other:
                await other.execute(lock)
            await frozen.execute(lock)

    try:
        with pytest.raises(TransientError):
            await freeze()
        async with transaction(pool) as afterwards:
            await afterwards.execute(lock)
    finally:
        await pool.close()


async def test_a_pool_is_usable_soon_after_an_outage(own_postgres: Postgres) -> None:
    pool = await open_pool(
        DatabaseSettings.model_validate({"url": own_postgres.url, "connect_timeout_seconds": 2})
    )
    try:
        own_postgres.kill()
        # Long enough for pauses that go on doubling to be far from their end.
        assert not await answers_within(pool, 12)
        own_postgres.start()
        assert await answers_within(pool, 5)
    finally:
        await pool.close()


async def select(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("SELECT 1")


async def answers_within(pool: Pool, seconds: int) -> bool:
    for _ in range(seconds):
        with contextlib.suppress(TransientError, TimeoutError):
            async with asyncio.timeout(1):
                await select(pool)
                return True
        await asyncio.sleep(0.5)
    return False
