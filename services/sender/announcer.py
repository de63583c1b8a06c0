"""Records the results of attempts, and publishes them to outgoing.delivered by the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection, Pool
from postrail.errors import TransientError
from postrail.incoming import conversations
from postrail.incoming.message_ids import message_hash
from postrail.notifications.entries import delivered_entry, queued_entries
from postrail.observe.log import log
from postrail.outgoing.results import AttemptResult, finish
from postrail.stream import outbox
from postrail.stream.producer import Entry, Sends
from services.sender.alerts.faults import Alerts
from services.sender.dead_addresses import suppress_dead

logger = log(__name__)

GATHER_SECONDS = 0.1


async def record(
    connection: Connection, results: Sequence[AttemptResult], alerts: Alerts, now: datetime
) -> tuple[list[AttemptResult], outbox.Added]:
    """Records results in the tables and the outbox; returns those recorded, and their rows.

    Stores the notices that are due (`Alerts.due`).
    """
    recorded = await finish(connection, now, results)
    await suppress_dead(connection, recorded, now)
    await _index_given_ids(connection, recorded)
    told = await alerts.due(connection, recorded, now)
    entries = [*(_delivered(result, now) for result in recorded), *queued_entries(told)]
    return recorded, await outbox.add(connection, entries, now)


async def _index_given_ids(connection: Connection, recorded: Sequence[AttemptResult]) -> None:
    """Indexes the Message-IDs that replaced ours, which answers will name."""
    given = {
        message_hash(result.given_id): result.claimed.conversation
        for result in recorded
        if result.given_id and result.claimed.issue_key
    }
    if given:
        await conversations.index(connection, given)


def _delivered(result: AttemptResult, now: datetime) -> Entry:
    return delivered_entry(
        result.claimed,
        state=result.state,
        reply=result.reply,
        maybe_twice=result.maybe_twice,
        now=now,
    )


class Announcer:
    """Sends outbox rows right after their transactions, in batches."""

    def __init__(self, pool: Pool, producer: Sends) -> None:
        self._pool = pool
        self._producer = producer
        self._entries: list[Entry] = []
        self._ids: list[int] = []
        self._added = asyncio.Event()

    def announce(self, added: outbox.Added) -> None:
        """Schedules the rows for sending; does not wait for it."""
        if added.entries:
            self._entries += added.entries
            self._ids += added.ids
            self._added.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set; the sweeper sends the rows that are left then."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                added = asyncio.create_task(self._added.wait())
                await asyncio.wait({stopped, added}, return_when=asyncio.FIRST_COMPLETED)
                added.cancel()
                # Rows of the next GATHER_SECONDS are sent together.
                await asyncio.sleep(GATHER_SECONDS)
                await self._flush()
        finally:
            stopped.cancel()

    async def _flush(self) -> None:
        self._added.clear()
        added = outbox.Added(tuple(self._entries), tuple(self._ids))
        self._entries, self._ids = [], []
        try:
            await outbox.flush(self._pool, self._producer, added)
        except TransientError as error:
            logger.warning("left to the sweeper", rows=len(added.ids), reason=str(error))
