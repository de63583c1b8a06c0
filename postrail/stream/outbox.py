"""Keeps the records that a transaction causes as rows, sends them after it, and sweeps up the rest.

A row is complete (topic, key, encoded record with its ids), so a consumer may receive it twice. It
is deleted after Kafka's acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.database import Connection, Pool, autocommit, rows, transaction
from postrail.retry_loop import RetryLoop
from postrail.settings import OutboxSettings
from postrail.stream.producer import Entry, Sends
from postrail.stream.topics import TOPICS

SWEEP_ROWS = 200
_BY_NAME = {topic.name: topic for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Added:
    """The rows of a transaction, to be sent once it is committed, with their ids."""

    entries: tuple[Entry, ...] = ()
    ids: tuple[int, ...] = ()


async def add(connection: Connection, entries: Sequence[Entry], now: datetime) -> Added:
    """Adds rows in the caller's transaction; returns them, to be sent right after it.

    Kafka may get rows of different transactions in any order: no consumer relies on it.
    """
    if not entries:
        return Added()
    found = await rows(
        connection,
        "INSERT INTO outbox (topic, key, value, created_at)"
        " SELECT topic, key, value, %s FROM unnest(%b::text[], %b::text[], %b::bytea[])"
        "  WITH ORDINALITY AS entry(topic, key, value, place) ORDER BY place"
        " RETURNING outbox_id",
        [
            now,
            [entry.topic.name for entry in entries],
            [entry.key for entry in entries],
            [entry.value for entry in entries],
        ],
    )
    return Added(tuple(entries), tuple(row[0] for row in found))


async def flush(pool: Pool, producer: Sends, added: Added) -> None:
    """Sends rows that were just committed, and deletes them once they are acknowledged.

    A kill before the send leaves them to the sweeper; a kill before the deletion sends them twice.
    """
    if not added.entries:
        return
    await producer.send(added.entries)
    async with autocommit(pool) as connection:
        await delete(connection, added.ids)


async def delete(connection: Connection, outbox_ids: Sequence[int]) -> None:
    """Deletes acknowledged rows."""
    await connection.execute("DELETE FROM outbox WHERE outbox_id = ANY(%s)", [list(outbox_ids)])


class Sweeper:
    """Sends the rows whose writers were killed or could not reach Kafka."""

    def __init__(self, pool: Pool, producer: Sends, settings: OutboxSettings, clock: Clock) -> None:
        self._pool = pool
        self._producer = producer
        self._settings = settings
        self._clock = clock
        self._retry_loop = RetryLoop(
            event="outbox not swept",
            part="outbox",
            health=None,
            pause=clock.sleep,
            base_seconds=settings.sweep_seconds,
            max_seconds=settings.sweep_seconds,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Sweeps until `stop` is set; waits for a database that is unavailable."""
        while not stop.is_set():
            await self._retry_loop.run(self._sweep_all, stop)
            await self._clock.sleep(self._settings.sweep_seconds)

    async def _sweep_all(self) -> None:
        while await self.sweep() == SWEEP_ROWS:
            pass

    async def sweep(self) -> int:
        """Sends and deletes up to SWEEP_ROWS old rows, returns their number; skips locked rows."""
        older = self._clock.now() - timedelta(seconds=self._settings.sweep_after_seconds)
        async with transaction(self._pool) as connection:
            found = await rows(
                connection,
                # Rows of unknown topics are left to the newer release that wrote them.
                "SELECT outbox_id, topic, key, value FROM outbox WHERE created_at <= %s"
                " AND topic = ANY(%s) ORDER BY outbox_id LIMIT %s FOR UPDATE SKIP LOCKED",
                [older, list(_BY_NAME), SWEEP_ROWS],
            )
            await self._producer.send([Entry(_BY_NAME[row[1]], row[2], row[3]) for row in found])
            await delete(connection, [row[0] for row in found])
        return len(found)
