"""The one consumer loop: poll a batch, process it, wait for the sends that it caused, commit.

How the loop answers each fault:
- TransientError from `process`: pause with back-off, stay in the group, process the batch again;
- a record that does not decode, or is of another type than the topic's: write it to mail.dead,
  wait for the acknowledgement, go on;
- an unknown schema, or many records in a row that do not decode: pause and alert;
- OffsetGap: the database is older (or another worker was faster), or Kafka's log is not the one
  that was read: place the partitions again (see `postrail.stream.offsets.placement`);
- any other exception, and a send that is not acknowledged: end the process without a commit.

A guarded stage also notes at the broker which records are in flight, so that a record that kills
processes is identified in the end (see `postrail.stream.deaths.guard`). The guard is for stages
without `positions`; the others see in their tables which work was begun.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Generic

from postrail.clock import Clock
from postrail.errors import PipelineError, TransientError
from postrail.observe import metrics
from postrail.observe.health import STAGE, Health
from postrail.observe.log import log
from postrail.records import R
from postrail.retry_loop import RetryLoop
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.consumer import KafkaReader
from postrail.stream.dead_letter import DeadLetters
from postrail.stream.deaths.guard import DeathGuard, Guard
from postrail.stream.offsets.placement import Placement
from postrail.stream.producer import Sends
from postrail.stream.received import (
    OffsetGap,
    Positions,
    RawRecord,
    Reader,
    Received,
    batches,
    decoded,
)
from postrail.stream.topics import Topic

logger = log(__name__)

# How often the broker is asked for the lag, and the database for its offsets.
CHECK_SECONDS = 5.0
# How often a member polls while its batch takes long.
STAY_SECONDS = 2.0
PAUSE_BASE_SECONDS = 0.5
PAUSE_MAX_SECONDS = 30.0

BatchWork = Callable[[Sequence[Received[R]]], Coroutine[None, None, None]]


class Worker(Generic[R]):
    """Feeds one stage from one topic."""

    def __init__(
        self,
        *,
        topic: Topic[R],
        group: str,
        settings: KafkaSettings,
        process: BatchWork[R],
        producer: Sends,
        health: Health,
        clock: Clock,
        positions: Positions | None = None,
        reader: Reader | None = None,
        guarded: bool = False,
    ) -> None:
        self._record_type = topic.record
        self._group = group
        self._settings = settings
        self._process = process
        self._producer = producer
        self._health = health
        self._clock = clock
        self._reader = reader or KafkaReader(topic, group, settings)
        self._guard = (DeathGuard if guarded else Guard)(self._reader)
        self._placement = Placement(self._reader, self._guard, positions, group)
        self._dead_letters = DeadLetters(group)
        # In steady seconds: the time may be set back when the shared clock gets its first sample.
        self._next_check = clock.steady()
        # Assigned partitions without a position to read from yet.
        self._unplaced: frozenset[int] = frozenset()
        self._stop = asyncio.Event()
        self._retry_loop = RetryLoop(
            event="paused",
            part=STAGE,
            health=health,
            pause=self._pause,
            base_seconds=PAUSE_BASE_SECONDS,
            max_seconds=PAUSE_MAX_SECONDS,
        )

    @property
    def assigned_partitions(self) -> frozenset[int]:
        """Returns the partitions that are assigned to this worker now."""
        return self._reader.assigned

    @property
    def _held(self) -> frozenset[int]:
        """Returns our partitions but for those that were lost and given back: they start anew."""
        return self._reader.assigned - self._reader.fresh

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then leaves the group; raises what must end the process."""
        self._stop = stop
        await self._until_done(self._reader.open)
        try:
            while not stop.is_set():
                self._health.beat()
                await self._round()
        except (PipelineError, asyncio.CancelledError):
            # Their cause lies outside of the records in flight.
            raise
        except BaseException:
            # BaseException, since a panic in a library that is written in Rust is not an Exception.
            self._guard.died()
            raise
        finally:
            await self._reader.close()

    async def _round(self) -> None:
        await self._until_done(self._place_fresh)
        try:
            await self._work_polled()
            await self._check()
        except OffsetGap as gap:
            logger.warning("reading again from the stored positions", reason=gap.problem)
            await self._until_done(self._place_assigned)

    async def _work_polled(self) -> None:
        """Works one poll; raises OffsetGap when its records must be read again."""
        records: list[RawRecord] = []

        async def poll() -> None:
            records.extend(await self._reader.poll())

        await self._until_done(poll)
        self._placement.require_continuation(records)
        for batch in batches(records, self._settings.batch_max_bytes, self._guard.suspects):
            await self._work(batch)
            if self._stop.is_set():
                break

    async def _work(self, batch: Sequence[RawRecord]) -> None:
        """Processes and commits one batch, or the rest of it when partitions are lost.

        Raises OffsetGap when all polled records must be read again.
        """
        received: list[Received[R]] = []

        waiting = deque(batch)

        async def decode() -> None:
            await self._guard.take(batch)
            while waiting:
                received.extend(await self._decode(waiting[0]))
                waiting.popleft()

        def held() -> list[Received[R]]:
            return [mine for mine in received if mine.partition in self._held]

        async def process() -> None:
            if held():
                await self._guard.take(batch)
                await self._beside(self._process(held()))

        if await self._until_done(decode) and await self._until_done(
            process, worthwhile=lambda: bool(held())
        ):
            await self._commit([raw for raw in batch if raw.partition in self._held])

    async def _beside(self, work: Coroutine[None, None, None]) -> None:
        """Waits for the work, and stays alive and a member of the group meanwhile.

        The group expels a member that does not poll for 5 minutes, gives the same batch to its
        successor, and so on; a member that polls late delays the rebalance of all others.
        """
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=STAY_SECONDS))[0]:
                self._health.beat()
                await self._stay()
                await self._guard.renew()
        finally:
            if not task.done():
                task.cancel()
        task.result()

    async def _decode(self, record: RawRecord) -> list[Received[R]]:
        """Returns the decoded record; an undecodable one is written to mail.dead instead."""
        try:
            received = decoded(self._record_type, record, self._guard.deaths(record))
        except avro.UndecodableError as error:
            await self._bury(record, error)
            return []
        self._dead_letters.decoded()
        return [received]

    async def _bury(self, record: RawRecord, error: avro.UndecodableError) -> None:
        await self._producer.send([self._dead_letters.letter(record, error, self._clock.now())])
        metrics.count_dead_letter(self._group)
        logger.error(
            "dead letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=str(error),
        )

    async def _commit(self, batch: Sequence[RawRecord]) -> None:
        async def commit() -> None:
            positions = await self._placement.taken(batch)
            if positions and not await self._guard.commit(positions):
                # The group has moved on, or the broker is unavailable: another worker repeats this
                # batch, or this one does; a repetition changes nothing.
                logger.warning("offsets not committed", partitions=sorted(positions))

        await self._until_done(commit)

    async def _until_done(
        self, action: Callable[[], Awaitable[None]], worthwhile: Callable[[], bool] = lambda: True
    ) -> bool:
        """Runs the action, again after each transient fault; returns whether it succeeded."""

        async def done() -> bool:
            await action()
            return True

        return bool(await self._retry_loop.run(done, self._stop, worthwhile=worthwhile))

    async def _pause(self, seconds: float) -> None:
        """Waits, alive and a member of the group, until the time is over or the process stops."""
        await self._guard.release()
        for part in _slices(seconds, self._settings.poll_timeout_seconds):
            if self._stop.is_set():
                return
            self._health.beat()
            await self._clock.sleep(part)
            await self._stay()

    async def _stay(self) -> None:
        try:
            await self._reader.keep_alive()
        except TransientError as error:
            logger.debug("the broker is unavailable too", reason=str(error))

    async def _place_fresh(self) -> None:
        fresh = self._reader.take_fresh()
        if fresh:
            logger.info("partitions assigned", partitions=sorted(fresh))
        # Partitions that a transient fault kept from being placed are still waiting.
        self._unplaced = (self._unplaced | fresh) & self._reader.assigned
        await self._place(self._unplaced)

    async def _place_assigned(self) -> None:
        await self._place(self._reader.assigned)

    async def _place(self, partitions: frozenset[int]) -> None:
        if partitions:
            await self._placement.place(partitions)
            self._unplaced -= partitions

    async def _check(self) -> None:
        """Measures the lag and compares the stored offsets, at most every CHECK_SECONDS."""
        if self._clock.steady() < self._next_check:
            return
        await self._until_done(self._compare)
        self._next_check = self._clock.steady() + CHECK_SECONDS

    async def _compare(self) -> None:
        """Updates the lag; reads again where Kafka or the database is not as it was left."""
        metrics.set_lag(self._group, await self._reader.lag())
        placed = self._held - self._unplaced
        moved = await self._placement.moved(placed)
        if moved:
            logger.warning("the stored positions have moved: reading from them", partitions=moved)
            await self._place(frozenset(moved))


def _slices(seconds: float, longest: float) -> Iterator[float]:
    while seconds > 0:
        yield min(seconds, longest)
        seconds -= longest
