"""Acts beside a handler under test, and acts that wait before their commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from postrail.operate.issues import act as frame
from tests.integration.handler.bench import Bench


async def waits_for_a_lock(bench: Bench) -> None:
    """Waits until a transaction waits for a row that another one holds."""
    async with asyncio.timeout(20):
        while True:
            if await bench.rows(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')"
            ):
                return
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def before_its_commit(
    monkeypatch: pytest.MonkeyPatch, act: Coroutine[Any, Any, object]
) -> AsyncIterator[None]:
    """Runs the block while the act has changed its rows; the act commits after it."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    finish = frame.finish

    async def slow_finish(*arguments: Any) -> None:
        arrived.set()
        await go_on.wait()
        await finish(*arguments)

    monkeypatch.setattr(frame, "finish", slow_finish)
    task = asyncio.create_task(act)
    try:
        async with asyncio.timeout(20):
            await arrived.wait()
        yield
    finally:
        go_on.set()
        await task
        monkeypatch.setattr(frame, "finish", finish)
