"""The pool on real PostgreSQL: what a process that stands still does to the others."""

from __future__ import annotations

import asyncio

import pytest

from postrail import database
from postrail.database import open_pool, transaction
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
