"""Takes parsed messages from Kafka into the table of incoming messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from postrail.clock import Clock
from postrail.configuration.load import CachedSnapshot
from postrail.database import Pool, transaction
from postrail.effects.facts.named_ids import named_ids
from postrail.incoming import queue as incoming
from postrail.records import MailParsed
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import Received, next_offsets


class Intake:
    """Writes each polled batch together with its offsets, so that a redelivery changes nothing."""

    def __init__(
        self, pool: Pool, offsets: IntakeOffsets, clock: Clock, message_id_key: bytes
    ) -> None:
        self._pool = pool
        self._offsets = offsets
        self._clock = clock
        self._key = message_id_key
        self._snapshots = CachedSnapshot(clock)
        # Set when messages have arrived; cleared by the work loop.
        self.arrived = asyncio.Event()

    async def take_in(self, batch: Sequence[Received[MailParsed]]) -> None:
        """Brings a batch into the table, with its offsets, in one transaction."""
        async with transaction(self._pool) as connection:
            await self._offsets.advance(connection, batch)
            fresh = await incoming.not_taken_in(connection, batch)
            snapshot = await self._snapshots.current(connection)
            named = await named_ids(connection, fresh, snapshot, self._key)
            own = snapshot.own_addresses
            await incoming.take_in(connection, fresh, named, own, self._clock.now())
        self._offsets.expect(next_offsets(batch))
        self.arrived.set()
