"""Applies the migrations of this release, and measures how long a writer waits meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import psycopg

from bench.scale.fill import BEFORE, fill_new_fields
from postrail.database import _apply, migration_files

PAUSE_SECONDS = 0.005


@dataclass(frozen=True)
class Migrated:
    """A migration, how long it took, and the longest that a writer waited during it."""

    name: str
    seconds: float
    longest_wait_seconds: float


async def migrate_beside_a_writer(url: str, issues: int) -> list[Migrated]:
    """Applies the migrations after `BEFORE`; the new fields are filled after the first of them."""
    found = []
    for number, name, text in migration_files():
        if number > BEFORE:
            found.append(await _measured(url, number, name, text, issues))
            if number == BEFORE + 1:
                await fill_new_fields(url, issues)
    return found


async def _measured(url: str, number: int, name: str, text: str, issues: int) -> Migrated:
    stop = asyncio.Event()
    writing = asyncio.create_task(_write(url, stop, issues))
    start = time.monotonic()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await _apply(connection, number, name, text)
    seconds = time.monotonic() - start
    stop.set()
    return Migrated(name, seconds, await writing)


async def _write(url: str, stop: asyncio.Event, issues: int) -> float:
    """Comments on issues, as the handler does, and returns the longest time of a transaction."""
    longest, number = 0.0, 0
    async with await psycopg.AsyncConnection.connect(url) as connection:
        while not stop.is_set():
            number = (number + 7919) % issues + 1
            start = time.monotonic()
            await connection.execute(
                "WITH touched AS (UPDATE issue SET changed_at = now()"
                "  WHERE number = %s RETURNING issue_key)"
                " INSERT INTO comment (issue_key, author_address, body, created_at)"
                " SELECT issue_key, 'agent1@desk.example', 'More.', now() FROM touched",
                [number],
            )
            await connection.commit()
            longest = max(longest, time.monotonic() - start)
            await asyncio.sleep(PAUSE_SECONDS)
    return longest
