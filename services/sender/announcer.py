"""Tells the others, over Kafka, what became of mails: outgoing.delivered, from the outbox."""

from __future__ import annotations

import asyncio
from datetime import datetime

from postrail.database import Pool
from postrail.errors import TransientError
from postrail.observe.log import log
from postrail.outgoing.queue import AttemptResult
from postrail.records import DeliveryResult, OutgoingDelivered
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry, Sends
from postrail.stream.topics import OUTGOING_DELIVERED

logger = log(__name__)

GATHER_SECONDS = 0.02


def delivered(item: AttemptResult, now: datetime) -> Entry:
    """The record of one attempt."""
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
    """Sends outbox rows right after their transactions, all that have come together at once."""

    def __init__(self, pool: Pool, producer: Sends) -> None:
        self._pool = pool
        self._producer = producer
        self._entries: list[Entry] = []
        self._ids: list[int] = []
        self._news = asyncio.Event()

    def announce(self, added: outbox.Added) -> None:
        """Sends the rows soon; nothing waits for it."""
        if added.entries:
            self._entries += added.entries
            self._ids += added.ids
            self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set; what is left then is the sweeper's."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait({stopped, news}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                # What comes within a moment goes together.
                await asyncio.sleep(GATHER_SECONDS)
                await self._flush()
        finally:
            stopped.cancel()

    async def _flush(self) -> None:
        self._news.clear()
        added = outbox.Added(tuple(self._entries), tuple(self._ids))
        self._entries, self._ids = [], []
        try:
            await outbox.flush(self._pool, self._producer, added)
        except TransientError as error:
            logger.warning("left to the sweeper", rows=len(added.ids), reason=str(error))
