"""A sender on PostgreSQL whose rounds, couriers and clock the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from postrail.blobs import BlobStore
from postrail.clock import SettableClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import (
    Answer,
    BeforeDot,
    Envelope,
    TimeLimit,
    nothing_to_record,
    require_size,
)
from postrail.database import Pool, rows, transaction
from postrail.observe.health import Health
from postrail.process import Process
from postrail.records import OutgoingDelivered, OutgoingQueued
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import Received
from services.sender.alerts.faults import Alerts
from services.sender.alerts.tell import Teller
from services.sender.announcer import Announcer
from services.sender.channels import Channels, MakeCourier
from services.sender.step import Sender
from tests.fakes.streams import MemoryProducer
from tests.processes.senders import delivery_rows

TELLER = Teller(message_id_key=b"key of a test", address="ops@example.org", webhook=True)
Behaviour = Callable[[Envelope, TimeLimit], list[Answer]]


def accepting(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
    return [Answer(recipient=one, state="sent", reply="250 OK") for one in envelope.recipients]


def deferring(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
    return [Answer(recipient=one, state="deferred", reply="450") for one in envelope.recipients]


def raising(error: Exception) -> Behaviour:
    def send(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
        raise error

    return send


class ScriptedCourier:
    """Behaves as the test says, and records its envelopes."""

    def __init__(self, connection: OutgoingConnection) -> None:
        self.connection = connection
        self.behaviour: Behaviour = accepting
        # Whether it comes to the final dot.
        self.completes = True
        self.completed = 0
        self.before: Callable[[], Awaitable[None]] = nothing_to_record
        self.gate = asyncio.Event()
        self.gate.set()
        self.envelopes: list[tuple[Envelope, TimeLimit]] = []
        self.closed = False

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        require_size(envelope, self.connection.max_bytes, self.connection.title)
        self.envelopes.append((envelope, limit))
        await self.before()
        if self.completes:
            await before_dot()
            self.completed += 1
        await self.gate.wait()
        return self.behaviour(envelope, limit)

    async def close_idle(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


class CountingProgress:
    """Records the counts."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str, float | None]] = []

    def count(self, mailbox: str, outcome: str, *, age_seconds: float | None = None) -> None:
        self.counted.append((mailbox, outcome, age_seconds))


class Bench:
    """A sender whose rounds the test starts."""

    def __init__(
        self, settings: Settings, pool: Pool, make_courier: MakeCourier | None = None
    ) -> None:
        """Makes a sender; without `make_courier`, its couriers are scripted."""
        self.pool = pool
        # A minute ahead, since the messages of a test are queued at the machine's time.
        self.clock = SettableClock(datetime.now(UTC) + timedelta(minutes=1))
        self.producer = MemoryProducer()
        self.progress = CountingProgress()
        self.couriers: list[ScriptedCourier] = []
        self.process = Process(
            name="sender",
            settings=settings,
            clock=self.clock,
            clock_sync=cast(Any, None),
            health=Health(),
            producer=cast(Any, self.producer),
            progress=cast(Any, self.progress),
            stop=asyncio.Event(),
        )
        self.announcer = Announcer(pool, self.producer)
        self.channels = Channels(pool, self.clock, make_courier or self._courier)
        self.sender = Sender(
            self.process,
            pool,
            IntakeOffsets("sender", "outgoing.queued", pool),
            self.channels,
            BlobStore(settings.blobs.url),
            self.announcer,
            Alerts(self.channels, TELLER),
        )
        self._offset = 0
        self._others: list[Bench] = []

    def another(self) -> Bench:
        """Returns another sender on the same tables."""
        self._others.append(Bench(self.process.settings, self.pool))
        return self._others[-1]

    async def close(self) -> None:
        """Disconnects all senders, as at clean stops."""
        for bench in (*self._others, self):
            await bench.sender._starts.mark.close()

    def _courier(self, connection: OutgoingConnection) -> ScriptedCourier:
        self.couriers.append(ScriptedCourier(connection))
        return self.couriers[-1]

    @property
    def courier(self) -> ScriptedCourier:
        return self.couriers[-1]

    async def take_in(self, *mails: OutgoingQueued) -> None:
        batch = [self.received(mail, self._offset + place) for place, mail in enumerate(mails)]
        await self.sender.take_in(batch)
        self._offset += len(mails)

    def received(self, mail: OutgoingQueued, offset: int) -> Received[OutgoingQueued]:
        return Received(
            topic="outgoing.queued",
            partition=0,
            offset=offset,
            key=mail.conversation,
            timestamp_ms=0,
            size=1,
            record=mail,
        )

    async def rounds(self, count: int = 1) -> None:
        """Runs `count` rounds; all attempts of a round end before the next."""
        for _ in range(count):
            async with asyncio.TaskGroup() as tasks:
                await self.sender.round(tasks)

    async def be_killed_in_an_attempt(self, *, completes: bool) -> None:
        """Leaves all due messages as a kill in the midst of their attempts does."""
        await self.channels.refresh()
        self.courier.gate.clear()
        self.courier.completes = completes
        running = asyncio.create_task(self.rounds())
        await asyncio.sleep(0.3)
        running.cancel()
        await asyncio.wait([running])
        await self.expire_claims()

    async def expire_claims(self) -> None:
        async with transaction(self.pool) as connection:
            await connection.execute("UPDATE delivery SET claim_until = now() - interval '1 s'")

    async def announced(self) -> list[list[str]]:
        """Returns the states in each record of outgoing.delivered that waits in the outbox."""
        async with transaction(self.pool) as connection:
            found = await rows(connection, "SELECT value FROM outbox ORDER BY outbox_id")
        records = [avro.decode(value) for (value,) in found]
        assert all(isinstance(record, OutgoingDelivered) for record in records)
        return [[one.state for one in cast(Any, record).results] for record in records]

    async def has_announced(self) -> bool:
        return bool(self.producer.sent)

    async def has_paused(self) -> bool:
        return not self.process.health.ready

    async def has_sent(self) -> bool:
        return "sent" in await self.states()

    async def states(self) -> list[str]:
        return [row["state"] for row in await delivery_rows(self.pool)]
