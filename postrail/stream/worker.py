"""The one consumer loop: poll a batch, process it, wait for what it made, commit.

What each kind of trouble means here:
- TransientError from `process`: pause with back-off, stay in the group, do the same batch again;
- a record that does not decode, or is of another type than the topic's: to mail.dead,
  acknowledged, then the loop goes on;
- an unknown schema, or many records in a row that do not decode: pause and alarm;
- OffsetGap: the database is older (or another worker was faster): read again from where it stands;
- anything else, and an unacknowledged send: the process ends without a commit.

A guarded stage also tells the broker what it has in hand, so that a record of which processes die
is known in the end (see `postrail.stream.guard`). It is for stages without `positions`: those keep
in their tables what was begun.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from datetime import timedelta
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
from postrail.stream.consumer import KafkaReader, RawRecord, Reader
from postrail.stream.dead_letter import DeadLetters
from postrail.stream.guard import DeathGuard, Guard
from postrail.stream.producer import Sends
from postrail.stream.received import OffsetGap, Positions, Received
from postrail.stream.topics import Topic

logger = log(__name__)

# How often the broker is asked for the lag, and the database for its offsets.
CHECK_SECONDS = 5.0
# How often a batch that takes long lets the group know that we are there.
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
        self._topic = topic
        self._group = group
        self._settings = settings
        self._process = process
        self._producer = producer
        self._health = health
        self._clock = clock
        self._positions = positions
        self._reader = reader or KafkaReader(topic, group, settings)
        self._guard = (DeathGuard if guarded else Guard)(self._reader)
        self._dead_letters = DeadLetters(group)
        self._next_check = clock.now()
        # Assigned, and not read from anywhere yet.
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
        """The partitions that are ours now."""
        return self._reader.assigned

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then leaves the group. Raises what must end the process."""
        self._stop = stop
        await self._until_done(self._reader.open)
        try:
            while not stop.is_set():
                self._health.beat()
                await self._round()
        except (PipelineError, asyncio.CancelledError):
            # Their cause lies outside of the records in hand.
            raise
        except BaseException:
            # Also what is no Exception: a panic in a library that is written in Rust.
            self._guard.died()
            raise
        finally:
            await self._reader.close()

    async def _round(self) -> None:
        await self._until_done(self._place_fresh)
        records: list[RawRecord] = []

        async def poll() -> None:
            records.extend(await self._reader.poll())

        await self._until_done(poll)
        for batch in batches(records, self._settings.batch_max_bytes, self._guard.suspects):
            try:
                await self._work(batch)
            except OffsetGap as gap:
                logger.warning("reading again from the stored offsets", reason=gap.problem)
                await self._until_done(self._place_assigned)
                break
            if self._stop.is_set():
                break
        await self._check()

    async def _work(self, batch: Sequence[RawRecord]) -> None:
        """Processes and commits one batch, or what is left of it when partitions are lost.

        Raises OffsetGap when all that is in hand must be read again.
        """
        received: list[Received[R]] = []

        waiting = deque(batch)

        async def decode() -> None:
            await self._guard.take(batch)
            while waiting:
                received.extend(await self._decode(waiting[0]))
                waiting.popleft()

        def held() -> list[Received[R]]:
            return [mine for mine in received if mine.partition in self._reader.assigned]

        async def process() -> None:
            if held():
                await self._guard.take(batch)
                await self._beside(self._process(held()))

        if await self._until_done(decode) and await self._until_done(
            process, worthwhile=lambda: bool(held())
        ):
            await self._commit([raw for raw in batch if raw.partition in self._reader.assigned])

    async def _beside(self, work: Coroutine[None, None, None]) -> None:
        """Waits for the work, alive and a member of the group however long it takes.

        A member that does not poll for 5 minutes is expelled, its successor is given the same
        batch, and so on; one that polls late makes the others wait with their rebalance.
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
        """The record, or nothing: one that does not decode is acknowledged in mail.dead first."""
        try:
            received = _received(self._topic, record, self._guard.deaths(record))
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
        offsets = {record.partition: record.offset + 1 for record in batch}
        if offsets and not await self._guard.commit(offsets):
            # The group has moved on, or the broker is away: another worker repeats this batch,
            # or we do; both change nothing.
            logger.warning("offsets not committed", offsets=offsets)

    async def _until_done(
        self, action: Callable[[], Awaitable[None]], worthwhile: Callable[[], bool] = lambda: True
    ) -> bool:
        """Runs the action, again after each transient fault; False when it gave up."""

        async def done() -> bool:
            await action()
            return True

        return bool(await self._retry_loop.run(done, self._stop, worthwhile=worthwhile))

    async def _pause(self, seconds: float) -> None:
        """Waits, alive and a member of the group, until the time is over or the process stops."""
        await self._guard.put_down()
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
            logger.debug("the broker is away too", reason=str(error))

    async def _place_fresh(self) -> None:
        fresh = self._reader.take_fresh()
        if fresh:
            logger.info("partitions assigned", partitions=sorted(fresh))
        # Those that a part which is away has kept from being placed are still waiting.
        self._unplaced = (self._unplaced | fresh) & self._reader.assigned
        if self._unplaced:
            await self._place(self._unplaced)

    async def _place_assigned(self) -> None:
        await self._place(self._reader.assigned)

    async def _place(self, partitions: Iterable[int]) -> None:
        """Reads the partitions from where the database stands, or else from the group's offset."""
        numbers = list(partitions)
        found = await self._reader.start_offsets(numbers)
        expectations: dict[int, int | None] = {
            number: start.committed for number, start in found.items()
        }
        if self._positions:
            stored = await self._positions.stored(numbers)
            expectations = {number: stored.get(number) for number in numbers}
            self._positions.expect(expectations)
        starts = {}
        for number, start in found.items():
            expected = expectations[number]
            if expected is not None and expected < start.first:
                self._alarm_removed(number, expected, start.first)
            starts[number] = max(start.first, expected or 0)
        await self._guard.placed(found)
        await self._reader.seek(starts)
        if self._positions:
            # A predecessor that was killed before its commit would be behind for as long as nothing
            # new comes, for those who watch the group's lag.
            known = {
                number: at for number, at in starts.items() if expectations[number] is not None
            }
            await self._reader.commit_offsets(known)
        self._unplaced -= starts.keys()

    def _alarm_removed(self, partition: int, expected: int, first: int) -> None:
        logger.error(
            "retention has removed records before they were handled",
            partition=partition,
            expected_offset=expected,
            first_offset=first,
            remedy="Look for the mails in state fetched, and raise POSTRAIL_KAFKA__RETENTION_DAYS",
        )

    async def _check(self) -> None:
        """Now and then: is the broker there, how far behind are we, did the database go back?"""
        if self._clock.now() < self._next_check:
            return
        await self._until_done(self._look)
        self._next_check = self._clock.now() + timedelta(seconds=CHECK_SECONDS)

    async def _look(self) -> None:
        metrics.set_lag(self._group, await self._reader.lag())
        if not self._positions:
            return
        placed = self._reader.assigned - self._unplaced - self._reader.fresh
        stored = await self._positions.stored(placed)
        moved = [
            number for number in placed if stored.get(number) != self._positions.expected(number)
        ]
        if moved:
            logger.warning("the stored offsets have moved: reading from them", partitions=moved)
            await self._place(moved)


def batches(
    records: Sequence[RawRecord],
    max_bytes: int,
    alone: Callable[[RawRecord], bool] = lambda _: False,
) -> Iterator[list[RawRecord]]:
    """Splits records into batches of at most `max_bytes`, but at least one record each.

    A record that must be alone is a batch of its own.
    """
    batch: list[RawRecord] = []
    size, full = 0, False
    for record in records:
        single = alone(record)
        if batch and (full or single or size + len(record.value) > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size, full = size + len(record.value), single
    if batch:
        yield batch


def _slices(seconds: float, longest: float) -> Iterator[float]:
    while seconds > 0:
        yield min(seconds, longest)
        seconds -= longest


def _received(topic: Topic[R], record: RawRecord, deaths: int) -> Received[R]:
    return Received(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        timestamp_ms=record.timestamp_ms,
        size=len(record.value),
        record=avro.decode_as(topic.record, record.value),
        deaths=deaths,
    )
