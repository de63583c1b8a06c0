"""Claims due deliveries, attempts them and records the results; takes in what the tables lack.

Messages are in the tables since their cause was committed; their records only wake the sender.

A round is one transaction: it records the results that have come since the last round, and claims
as many deliveries as channels are free. So a delivery is claimed right before it is sent, and a
kill leaves at most one message of each SMTP connection in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.errors import TransientError
from postrail.observe.log import log
from postrail.outgoing import intake as outgoing
from postrail.process import Process
from postrail.records import OutgoingQueued
from postrail.retry_loop import RetryLoop
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import Received, next_offsets
from postrail.tasks import set_within, to_its_end
from services.sender.alerts.faults import Alerts
from services.sender.announcer import Announcer, record
from services.sender.attempts import Attempts
from services.sender.channels import Channels
from services.sender.claims import claim_untriable
from services.sender.reports import count_results
from services.sender.starts import Starts

logger = log(__name__)

PAUSE_BASE_SECONDS = 0.2
PAUSE_MAX_SECONDS = 10.0
# How long a free connection waits for others.
GATHER_SECONDS = 0.002
# How long SIGTERM waits for attempts in flight; the claims of those that take longer expire.
STOP_SECONDS = 10.0


class Sender:
    """Works from the tables of outgoing mail."""

    def __init__(
        self,
        process: Process,
        pool: Pool,
        offsets: IntakeOffsets,
        channels: Channels,
        blobs: BlobStore,
        announcer: Announcer,
        alerts: Alerts,
    ) -> None:
        self._process = process
        self._settings = process.settings.sender
        self._clock = process.clock
        self._pool = pool
        self._offsets = offsets
        self._channels = channels
        self._announcer = announcer
        self._alerts = alerts
        # Set when there may be work: messages came in, or a connection is free.
        self._wake = asyncio.Event()
        self._attempts = Attempts(
            pool=pool,
            kafka=process.settings.kafka,
            blobs=blobs,
            settings=self._settings,
            clock=self._clock,
            on_end=self._wake.set,
        )
        self._starts = Starts(process.settings, channels, self._attempts, self._clock)
        self._retry_loop = RetryLoop(
            event="sending paused",
            part="work",
            health=process.health,
            pause=self._clock.sleep,
            base_seconds=PAUSE_BASE_SECONDS,
            max_seconds=PAUSE_MAX_SECONDS,
        )

    async def take_in(self, batch: Sequence[Received[OutgoingQueued]]) -> None:
        """Stores what the tables lack of queued messages, with their offsets; wakes the sender."""
        async with transaction(self._pool) as connection:
            await self._offsets.advance(connection, batch)
            await outgoing.take_in(connection, [item.record for item in batch])
        self._offsets.expect(next_offsets(batch))
        self._wake.set()

    async def run(self) -> None:
        """Sends until the process stops; waits for a database that is unavailable."""
        async with self._starts.mark, asyncio.TaskGroup() as tasks:
            try:
                while not self._process.stop.is_set():
                    self._wake.clear()
                    await self._retry_loop.run(lambda: self.round(tasks), self._process.stop)
                    if not self._process.stop.is_set():
                        await self._wait()
            finally:
                # Also when another part of the process fails: what has been sent is recorded.
                await to_its_end(self._wind_up())
        await self._channels.close()

    async def _wait(self) -> None:
        """Waits for work, or until it is time to poll for messages that have become due."""
        woken = await set_within(self._wake, self._settings.poll_seconds)
        if woken and self._attempts.in_flight:
            # Other connections are about to be free too: one transaction does for all of them.
            await asyncio.sleep(GATHER_SECONDS)

    async def round(self, tasks: asyncio.TaskGroup) -> None:
        """Records results, claims due messages and starts their attempts."""
        results = self._attempts.take_results()
        try:
            if await self._channels.refresh():
                await self._postpone()
            requested, now = self._clock.steady(), self._clock.now()
            async with transaction(self._pool) as connection:
                recorded, added = await record(connection, results, self._alerts, now)
                attempts = await self._starts.claim(connection, recorded, now, requested)
        except BaseException:
            self._attempts.put_back(results)
            raise
        self._announcer.announce(added)
        count_results(self._process.progress, recorded, now)
        await self._starts.start(attempts, tasks)

    async def _postpone(self) -> None:
        """Claims messages that cannot be tried now; the next round records why."""
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            found = await claim_untriable(connection, self._channels, self._settings, now)
        for claimed, reason, state in found:
            self._attempts.postpone(claimed, reason, state, now)

    async def _wind_up(self) -> None:
        """Waits for the attempts in flight, and records their results."""
        await self._attempts.finish(STOP_SECONDS)
        results = self._attempts.take_results()
        if not results:
            return
        try:
            async with transaction(self._pool) as connection:
                await record(connection, results, self._alerts, self._clock.now())
        except TransientError as error:
            logger.warning("results not recorded: their claims expire", reason=str(error))
