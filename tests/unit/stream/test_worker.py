"""Tests the consumer loop in memory: the effect of each fault on the work and its offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from postrail.clock import SettableClock
from postrail.errors import FatalError, TransientError
from postrail.observe.health import Health
from postrail.records import MailDead, MailFetched
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream import worker as worker_module
from postrail.stream.dead_letter import IN_A_ROW
from postrail.stream.offsets.position import Position
from postrail.stream.received import OffsetGap, Received, batches, next_offsets
from postrail.stream.topics import MAIL_FETCHED
from postrail.stream.worker import BatchWork, Worker
from tests.fakes.streams import MemoryProducer, MemoryReader, raw
from tests.makers.records import mail_fetched, mail_parsed

UNKNOWN = avro.MARKER + b"\x01" * 8


def good(number: int) -> bytes:
    return avro.encode(mail_fetched(source=f"INBOX;uidvalidity=1;uid={number}"))


class Bench:
    """A worker whose reader, producer and offsets are in memory."""

    def __init__(self, partitions: dict[int, list[bytes]]) -> None:
        self.reader = MemoryReader(partitions)
        self.producer = MemoryProducer()
        self.clock = SettableClock()
        self.health = Health()
        self.stop = asyncio.Event()
        self.seen: list[tuple[int, int]] = []
        self.positions: FakePositions | None = None

    async def note(self, batch: Sequence[Received[MailFetched]]) -> None:
        self.seen += [(received.partition, received.offset) for received in batch]

    async def run(
        self,
        process: BatchWork[MailFetched],
        until: Callable[[], bool],
        *,
        max_bytes: int = 1 << 20,
    ) -> None:
        worker = Worker(
            topic=MAIL_FETCHED,
            group="parser",
            settings=KafkaSettings(batch_max_bytes=max_bytes),
            process=process,
            producer=self.producer,
            health=self.health,
            clock=self.clock,
            positions=self.positions,
            reader=self.reader,
        )
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(self.stop))
            while not until():  # noqa: ASYNC110  The condition is more than one event.
                await asyncio.sleep(0)
            self.stop.set()


class FakePositions:
    """Stored positions, in memory; a test gives their offsets."""

    def __init__(self, stored: dict[int, int]) -> None:
        self.in_database = {n: Position(next_offset=at) for n, at in stored.items()}
        self.expecting: dict[int, Position | None] = {}
        self.faults: list[TransientError] = []

    async def stored(self, partitions: Iterable[int]) -> dict[int, Position]:
        if self.faults:
            raise self.faults.pop()
        return {n: self.in_database[n] for n in partitions if n in self.in_database}

    def expect(self, positions: Mapping[int, Position | None]) -> None:
        self.expecting.update(positions)

    def expected(self, partition: int) -> Position | None:
        return self.expecting.get(partition)

    async def move(self, positions: Mapping[int, Position]) -> None:
        for number, at in positions.items():
            if self.in_database.get(number) != self.expecting[number]:
                raise OffsetGap("moved")
            self.in_database[number] = self.expecting[number] = at

    async def advance(self, batch: Sequence[Received[MailFetched]]) -> None:
        for received in batch:
            await self.move(next_offsets([received]))


async def test_each_record_is_processed_then_committed() -> None:
    bench = Bench({0: [good(0), good(1)], 1: [good(2)]})
    await bench.run(bench.note, lambda: bench.reader.committed == {0: 2, 1: 1})
    assert bench.seen == [(0, 0), (0, 1), (1, 0)]
    assert bench.reader.closed


async def test_nothing_is_committed_before_it_is_processed() -> None:
    bench = Bench({0: [good(0)]})
    committed_at_work: list[dict[int, int]] = []

    async def look(batch: Sequence[Received[MailFetched]]) -> None:
        committed_at_work.append(dict(bench.reader.committed))

    await bench.run(look, lambda: bench.reader.committed == {0: 1})
    assert committed_at_work == [{}]


async def test_a_shared_outage_pauses_and_drops_nothing() -> None:
    bench = Bench({0: [good(0), good(1)]})
    faults = [TransientError("PostgreSQL is unavailable"), TransientError("still unavailable")]
    ready_in_pause: list[bool] = []
    bench.reader.on_keep_alive = lambda: ready_in_pause.append(bench.health.ready)

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        if faults:
            raise faults.pop(0)
        await bench.note(batch)

    await bench.run(process, lambda: bench.reader.committed == {0: 2})
    assert bench.seen == [(0, 0), (0, 1)]
    assert ready_in_pause
    assert not any(ready_in_pause)
    assert bench.health.ready
    # It backed off: the second wait is longer than the first.
    assert sum(bench.clock.slept) > 1.0


async def test_partitions_that_were_lost_in_a_pause_are_neither_worked_nor_committed() -> None:
    bench = Bench({0: [good(0)], 1: [good(1)]})
    faults = [TransientError("unavailable")]

    def lose_one() -> None:
        bench.reader.assigned_now = frozenset({1})

    bench.reader.on_keep_alive = lose_one

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        if faults:
            raise faults.pop()
        await bench.note(batch)

    await bench.run(process, lambda: bench.reader.committed == {1: 1})
    assert bench.seen == [(1, 0)]


async def test_a_refused_commit_does_not_end_the_loop() -> None:
    bench = Bench({0: [good(0), good(1)]})
    bench.reader.max_records = 1
    bench.reader.refuse_commits = True
    await bench.run(bench.note, lambda: len(bench.seen) == 2)
    assert bench.reader.committed == {}


async def test_an_unacknowledged_send_ends_the_worker_without_a_commit() -> None:
    bench = Bench({0: [good(0)]})

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        raise FatalError("not acknowledged")

    with pytest.raises(ExceptionGroup) as caught:
        await bench.run(process, lambda: False)
    assert caught.group_contains(FatalError)
    assert bench.reader.committed == {}
    assert bench.reader.closed


@pytest.mark.logs_errors("dead letter")
async def test_a_record_that_does_not_decode_goes_to_the_dead_letters_and_is_passed() -> None:
    bench = Bench({0: [good(0), b"rubbish", good(2)]})
    await bench.run(bench.note, lambda: bench.reader.committed == {0: 3})
    assert bench.seen == [(0, 0), (0, 2)]
    (entry,) = bench.producer.sent
    dead = avro.decode_as(MailDead, entry.value)
    assert (dead.topic, dead.partition, dead.offset) == ("mail.fetched", 0, 1)
    assert dead.value == b"rubbish"


@pytest.mark.logs_errors("dead letter")
async def test_a_record_of_another_topic_goes_to_the_dead_letters_and_is_passed() -> None:
    other = avro.encode(mail_parsed())
    bench = Bench({0: [good(0), other, good(2)]})
    await bench.run(bench.note, lambda: bench.reader.committed == {0: 3})
    assert bench.seen == [(0, 0), (0, 2)]
    (entry,) = bench.producer.sent
    dead = avro.decode_as(MailDead, entry.value)
    assert (dead.topic, dead.partition, dead.offset) == ("mail.fetched", 0, 1)
    assert dead.value == other
    assert "MailParsed" in dead.error


@pytest.mark.logs_errors("dead letter")
async def test_many_records_of_another_topic_pause_the_stage() -> None:
    other = avro.encode(mail_parsed())
    bench = Bench({0: []})
    bench.reader.records[0] = [
        raw(0, number, other, key=f"mailbox {number % 5}") for number in range(100)
    ]
    await bench.run(bench.note, lambda: bench.reader.kept_alive > 5)
    assert len(bench.producer.sent) == IN_A_ROW
    assert bench.reader.committed == {}


async def test_a_dead_letter_that_is_not_acknowledged_is_not_committed() -> None:
    bench = Bench({0: [b"rubbish"]})
    bench.producer.acknowledge = False
    with pytest.raises(ExceptionGroup):
        await bench.run(bench.note, lambda: False)
    assert bench.reader.committed == {}


async def test_an_unknown_schema_pauses_without_a_dead_letter() -> None:
    bench = Bench({0: [good(0), UNKNOWN]})
    ready_in_pause: list[bool] = []
    bench.reader.on_keep_alive = lambda: ready_in_pause.append(bench.health.ready)
    await bench.run(bench.note, lambda: bench.reader.kept_alive > 5)
    assert bench.producer.sent == []
    assert bench.reader.committed == {}
    assert not any(ready_in_pause)


@pytest.mark.logs_errors("dead letter")
async def test_many_undecodable_records_of_several_mailboxes_pause_the_stage() -> None:
    bench = Bench({0: []})
    bench.reader.records[0] = [
        raw(0, number, b"rubbish", key=f"mailbox {number % 5}") for number in range(100)
    ]
    await bench.run(bench.note, lambda: bench.reader.kept_alive > 5)
    assert len(bench.producer.sent) == IN_A_ROW
    assert bench.reader.committed == {}


@pytest.mark.logs_errors("dead letter")
async def test_rubbish_of_one_mailbox_does_not_pause_the_stage() -> None:
    bench = Bench({0: [b"rubbish"] * 60 + [good(60)]})
    await bench.run(bench.note, lambda: bench.reader.committed == {0: 61})
    assert len(bench.producer.sent) == 60


async def test_reading_starts_from_the_stored_offsets_not_from_the_group() -> None:
    bench = Bench({0: [good(n) for n in range(5)]})
    bench.reader.committed = {0: 4}
    bench.positions = FakePositions({0: 2})
    await bench.run(bench.note, lambda: (0, 4) in bench.seen)
    assert bench.seen == [(0, 2), (0, 3), (0, 4)]


async def test_a_database_without_offsets_gets_everything_that_the_topic_has() -> None:
    bench = Bench({0: [good(n) for n in range(3)]})
    bench.reader.committed = {0: 3}
    bench.positions = FakePositions({})
    await bench.run(bench.note, lambda: (0, 2) in bench.seen)
    assert bench.seen[0] == (0, 0)


async def test_a_database_that_was_restored_gets_the_missing_records_again() -> None:
    bench = Bench({0: [good(n) for n in range(6)]})
    bench.reader.max_records = 2
    positions = bench.positions = FakePositions({0: 0})
    restored: list[bool] = []

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        if batch[0].offset == 4 and not restored:
            restored.append(True)
            positions.in_database[0] = Position(next_offset=1)
        await positions.advance(batch)
        await bench.note(batch)

    await bench.run(process, lambda: (0, 5) in bench.seen)
    assert bench.seen == [(0, n) for n in (0, 1, 2, 3, 1, 2, 3, 4, 5)]


class AheadClock(SettableClock):
    """Tells the time of a machine that is ahead, until the first sample of the shared clock."""

    ahead = timedelta(days=31)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.mark.parametrize("clock", [SettableClock(), AheadClock()])
async def test_an_idle_worker_notices_that_the_database_was_restored(clock: SettableClock) -> None:
    bench = Bench({0: [good(n) for n in range(3)]})
    bench.clock = clock
    positions = bench.positions = FakePositions({0: 0})

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        await positions.advance(batch)
        await bench.note(batch)

    restored: list[bool] = []

    def restored_and_repeated() -> bool:
        if len(bench.seen) == 3 and not restored:
            restored.append(True)
            positions.in_database[0] = Position(next_offset=1)
            clock.move(60)
            if isinstance(clock, AheadClock):
                clock.ahead = timedelta(0)
        return len(bench.seen) == 5

    await bench.run(process, restored_and_repeated)
    assert bench.seen[3:] == [(0, 1), (0, 2)]


@pytest.mark.logs_errors("retention has removed records before they were handled")
async def test_records_that_retention_removed_raise_an_alert_and_reading_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = Bench({0: [good(n) for n in range(5)]})
    bench.reader.first = {0: 3}
    bench.positions = FakePositions({0: 1})
    await bench.run(bench.note, lambda: (0, 4) in bench.seen)
    assert bench.seen[0] == (0, 3)
    assert "retention has removed records" in "".join(capfd.readouterr())


def test_batches_are_bounded_by_bytes_but_take_at_least_one_record() -> None:
    records = [raw(0, n, b"x" * size) for n, size in enumerate([40, 40, 40, 500, 10])]
    assert [[r.offset for r in batch] for batch in batches(records, 100)] == [[0, 1], [2], [3], [4]]


@pytest.mark.logs_errors("dead letter")
async def test_a_dead_letter_is_written_once_however_long_its_neighbour_waits() -> None:
    bench = Bench({0: [b"rubbish", UNKNOWN]})
    await bench.run(bench.note, lambda: bench.reader.kept_alive > 50)
    assert len(bench.producer.sent) == 1
    assert bench.reader.committed == {}


async def test_a_batch_that_takes_long_keeps_its_place_in_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "STAY_SECONDS", 0.01)
    bench = Bench({0: [good(0)]})
    kept_alive: list[int] = []

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        while bench.reader.kept_alive < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        kept_alive.append(bench.reader.kept_alive)
        await bench.note(batch)

    await bench.run(process, lambda: bench.reader.committed == {0: 1})
    assert bench.seen == [(0, 0)]
    assert kept_alive == [3]


async def test_partitions_are_placed_once_the_database_is_back() -> None:
    bench = Bench({0: [good(0)]})
    positions = bench.positions = FakePositions({})
    positions.faults = [
        TransientError("PostgreSQL is unavailable"),
        TransientError("still unavailable"),
    ]
    await bench.run(bench.note, lambda: bench.seen == [(0, 0)])
    assert positions.faults == []


async def test_a_lost_partition_leaves_the_records_of_the_others() -> None:
    """Each record is a batch of its own here; the first loses its partition while it waits."""
    large = avro.encode(mail_fetched(body=b"x" * 1000))
    bench = Bench({0: [large], 1: [large]})
    faults = [TransientError("unavailable")]

    def lose_one() -> None:
        bench.reader.assigned_now = frozenset({1})

    bench.reader.on_keep_alive = lose_one

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        if faults:
            raise faults.pop()
        await bench.note(batch)

    await bench.run(process, lambda: bench.reader.committed == {1: 1}, max_bytes=1024)
    assert bench.seen == [(1, 0)]


async def test_partitions_that_were_just_assigned_have_not_moved(
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = Bench({0: [good(0)], 1: [good(1)]})
    bench.positions = FakePositions({0: 0, 1: 0})
    bench.reader.fresh = frozenset({0})

    async def process(batch: Sequence[Received[MailFetched]]) -> None:
        if batch[0].partition == 0:
            bench.reader.fresh = frozenset({1})
        await bench.note(batch)

    await bench.run(process, lambda: len(bench.seen) == 2)
    assert "have moved" not in "".join(capfd.readouterr())
