"""Publishes the results of attempts to outgoing.delivered, through the outbox."""

from __future__ import annotations

import asyncio
from datetime import datetime

from postrail.database import Pool
from postrail.errors import TransientError
from postrail.observe.log import log
from postrail.outgoing.results import AttemptResult
from postrail.records import DeliveryResult, OutgoingDelivered
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry, Sends
from postrail.stream.topics import OUTGOING_DELIVERED

logger = log(__name__)

GATHER_SECONDS = 0.02


def delivered(item: AttemptResult, now: datetime) -> Entry:
    """Returns the record of one attempt, ready to send."""
    claimed = item.claimed
    by_address = {recipient.address: recipient for recipient in claimed.recipients}
    results = [
        DeliveryResult(
            recipient=result.recipient,
            state=result.state,
            reply=result.reply,
            attempts=by_address[result.recipient].attempts,
            maybe_twice=result.maybe_twice,
        )
        for result in item.results
    ]
    record = OutgoingDelivered(
        outgoing_id=claimed.outgoing_id,
        conversation=claimed.conversation,
        issue_key=claimed.issue_key,
        message_id=claimed.message_id,
        results=results,
        tried_at=now,
    )
    return Entry(OUTGOING_DELIVERED, claimed.conversation, avro.encode(record))


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
