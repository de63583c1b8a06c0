"""Tests the guarded loop in memory: it counts deaths only, and identifies the deadly record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import pytest

from postrail.clock import SettableClock
from postrail.errors import FatalError, TransientError
from postrail.observe.health import Health
from postrail.records import MailFetched
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream import worker as worker_module
from postrail.stream.deaths.guard import DeathGuard
from postrail.stream.deaths.suspicion import NOTHING, Note, read_note
from postrail.stream.offsets.position import Position
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_FETCHED
from postrail.stream.worker import Worker
from tests.fakes.streams import MemoryProducer, MemoryReader, raw
from tests.makers.records import mail_fetched

LIMIT = 3


class Died(Exception):
    """Stands for a process that ends without a word, as by SIGKILL."""


class Stage:
    """A guarded stage over several lives of its process; committed offsets and notes stay."""

    def __init__(self, counts: dict[int, int]) -> None:
        self._values = {
            partition: [avro.encode(mail_fetched()) for _ in range(count)]
            for partition, count in counts.items()
        }
        self.deadly: set[tuple[int, int]] = set()
        # Raised one after the other, each before a batch is processed.
        self.faults: list[Exception] = []
        self.done: list[tuple[int, int]] = []
        self.given_up: list[tuple[int, int, int]] = []
        self.lives = 0
        self.reader = self._reader()
        self.at_work: Callable[[], None] = lambda: None

    def _reader(self) -> MemoryReader:
        return MemoryReader(self._values)

    async def process(self, batch: Sequence[Received[MailFetched]]) -> None:
        self.at_work()
        if self.faults:
            raise self.faults.pop(0)
        for received in batch:
            place = (received.partition, received.offset)
            if received.deaths >= LIMIT:
                self.given_up.append((*place, received.deaths))
            elif place in self.deadly:
                raise Died
        self.done += [(received.partition, received.offset) for received in batch]

    async def live(self, until: Callable[[], bool]) -> None:
        """Runs one life of the process, until the condition holds or the process dies."""
        before, self.reader = self.reader, self._reader()
        self.reader.committed, self.reader.notes = before.committed, before.notes
        self.reader.refuse_commits = before.refuse_commits
        self.lives += 1
        stop = asyncio.Event()
        worker = Worker(
            topic=MAIL_FETCHED,
            group="parser",
            settings=KafkaSettings(),
            process=self.process,
            producer=MemoryProducer(),
            health=Health(),
            clock=SettableClock(),
            reader=self.reader,
            guarded=True,
        )
        life = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(10):
            while not life.done() and not until():  # noqa: ASYNC110  More than one event.
                await asyncio.sleep(0)
            stop.set()
            await life

    async def live_until_all_is_done(self) -> None:
        """Starts the process again after each death."""
        ends = {partition: len(values) for partition, values in self._values.items()}
        while self.reader.committed != ends:
            with contextlib.suppress(Died):
                await self.live(lambda: self.reader.committed == ends)

    def note(self, partition: int = 0) -> Note:
        return read_note(self.reader.notes.get(partition, ""))

    def once_each(self) -> list[tuple[int, int]]:
        """Returns the processed records without repetitions."""
        return list(dict.fromkeys(self.done))


async def test_a_batch_is_noted_before_the_work_and_the_note_goes_with_it() -> None:
    stage = Stage({0: 3, 1: 1})
    notes: list[Note] = []
    stage.at_work = lambda: notes.extend([stage.note(0), stage.note(1)])
    await stage.live_until_all_is_done()
    assert [(note.held_until, note.held_alone) for note in notes] == [(3, False), (1, False)]
    assert [len(offsets) for offsets, _ in stage.reader.commits] == [2, 2]
    assert stage.reader.notes == {0: "", 1: ""}


async def test_the_record_that_kills_is_found_by_three_deaths_and_its_neighbours_pass() -> None:
    stage = Stage({0: 6, 1: 4})
    stage.deadly = {(0, 2)}
    await stage.live_until_all_is_done()
    assert stage.given_up == [(0, 2, 3)]
    assert stage.lives == 4
    assert stage.done == stage.once_each()
    assert sorted(stage.done) == [(0, n) for n in range(6)] + [(1, n) for n in range(4)]
    assert [n for partition, n in stage.done if partition == 0] == list(range(6))
    assert stage.note() == NOTHING


async def test_a_panic_counts_as_a_death_too() -> None:
    class Panic(BaseException):
        """An exception as Rust libraries raise it."""

    stage = Stage({0: 1})

    def panic() -> None:
        raise Panic

    stage.at_work = panic
    with pytest.raises(Panic):
        await stage.live(lambda: False)
    assert stage.note().after_death() == Note(alone=1, until=1)


async def test_two_records_that_kill_in_one_batch_are_both_found() -> None:
    stage = Stage({0: 6, 1: 3})
    stage.deadly = {(0, 1), (0, 4), (1, 0)}
    await stage.live_until_all_is_done()
    assert [place[:2] for place in stage.given_up] == [(0, 1), (0, 4), (1, 0)]
    assert len(stage.done) == 9
    # Together once, then each alone twice.
    assert stage.lives == 1 + 3 * 2 + 1


async def test_a_death_in_one_partition_is_counted_once_in_the_other() -> None:
    stage = Stage({0: 2, 1: 2})
    stage.deadly = {(0, 0)}
    for _ in range(2):
        with pytest.raises(Died):
            await stage.live(lambda: False)
    # Partition 1 had no record in flight at the second death.
    assert stage.note(1) == Note(together=1, until=2)
    assert stage.note(0).after_death() == Note(together=1, alone=1, until=2)


async def test_kills_with_other_records_in_flight_each_time_blame_none() -> None:
    stage = Stage({0: 6})
    for victim in range(5):
        stage.deadly = {(0, victim)}
        with pytest.raises(Died):
            await stage.live(lambda: False)
    stage.deadly = set()
    await stage.live_until_all_is_done()
    assert (stage.given_up, stage.done) == ([], [(0, n) for n in range(6)])


@pytest.mark.parametrize(
    "fault",
    [
        # Kafka did not acknowledge, which is not the record's fault.
        FatalError("not acknowledged"),
        # The blob store is unavailable, and the process is stopped meanwhile.
        TransientError("the blob store is unavailable"),
    ],
)
async def test_an_end_with_a_cause_outside_of_the_records_is_no_death(fault: Exception) -> None:
    stage = Stage({0: 1})
    for _ in range(4):
        stage.faults = [fault] * 3
        with contextlib.suppress(FatalError):
            await stage.live(lambda: len(stage.faults) < 3 and stage.note() == NOTHING)
        assert stage.note() == NOTHING
    stage.faults = []
    await stage.live_until_all_is_done()
    assert (stage.given_up, stage.done) == ([], [(0, 0)])


async def test_a_pause_releases_the_records_in_flight_and_takes_them_again() -> None:
    stage = Stage({0: 1})
    stage.faults = [TransientError("the blob store is unavailable")]
    await stage.live_until_all_is_done()
    held = [bool(read_note(notes[0]).holder) for _, notes in stage.reader.commits]
    assert held == [True, False, True, False]


async def test_a_pause_keeps_the_known_deaths() -> None:
    stage = Stage({0: 1})
    stage.deadly = {(0, 0)}
    with pytest.raises(Died):
        await stage.live(lambda: False)
    stage.faults = [TransientError("the blob store is unavailable")] * 5
    await stage.live(lambda: len(stage.faults) < 5)
    assert stage.note() == Note(alone=1, until=1)


async def test_commits_that_fail_stop_nothing() -> None:
    stage = Stage({0: 3})
    stage.reader.refuse_commits = True
    await stage.live(lambda: len(stage.done) == 3)
    assert stage.reader.committed == {}


async def test_a_refused_commit_is_repeated_when_the_partition_is_revoked() -> None:
    reader = MemoryReader({0: [b""]})
    guard = DeathGuard(reader)
    await guard.placed(await reader.start_offsets([0]), {0: Position(next_offset=0)})
    await guard.take([raw(0, 0, b"")])
    reader.refuse_commits = True
    assert not await guard.commit({0: Position(next_offset=1)})
    # The next poll fails too: the broker is unavailable.
    await guard.release()
    reader.refuse_commits = False
    reader.revoke(frozenset({0}))
    assert (reader.committed, reader.notes) == ({0: 1}, {0: ""})


class SlowStage:
    """A stage whose work lasts until the test ends it, while the group revokes and assigns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_module, "STAY_SECONDS", 0.001)
        self.stage = Stage({0: 1, 1: 1})
        self.released = asyncio.Event()
        self.dies = False

    async def work(self, batch: Sequence[Received[MailFetched]]) -> None:
        await self.released.wait()
        if self.dies:
            raise Died
        self.stage.done += [(received.partition, received.offset) for received in batch]

    def holders(self) -> list[bool]:
        return [bool(self.stage.note(partition).holder) for partition in (0, 1)]


async def test_a_revoked_partition_is_released_and_taken_again_when_it_is_assigned_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = SlowStage(monkeypatch)
    stage = slow.stage
    stage.process = slow.work  # type: ignore[method-assign]
    seen: list[list[bool]] = []

    def rebalance() -> None:
        seen.append(slow.holders())
        if stage.reader.kept_alive == 1:
            stage.reader.revoke(frozenset({0, 1}))
            seen.append(slow.holders())
            stage.reader.give(frozenset({0}))
        if stage.reader.kept_alive == 3:
            slow.released.set()

    async def begin() -> None:
        while not stage.reader.opened:  # noqa: ASYNC110
            await asyncio.sleep(0)
        stage.reader.on_keep_alive = rebalance

    watching = asyncio.create_task(begin())
    await stage.live(lambda: stage.reader.committed.get(0) == 1)
    await watching
    # In flight; revoked; the one that was assigned again is in flight, the other is not ours.
    assert seen[:3] == [[True, True], [False, False], [True, False]]
    assert stage.reader.committed == {0: 1, 1: 0}


async def test_a_member_that_was_expelled_commits_nothing_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = SlowStage(monkeypatch)
    stage = slow.stage
    stage.process = slow.work  # type: ignore[method-assign]

    def expel() -> None:
        if stage.reader.kept_alive == 1:
            stage.reader.lose(frozenset({0, 1}))
        slow.released.set()

    async def begin() -> None:
        while not stage.reader.opened:  # noqa: ASYNC110
            await asyncio.sleep(0)
        stage.reader.on_keep_alive = expel

    watching = asyncio.create_task(begin())
    await stage.live(lambda: len(stage.done) == 2)
    await watching
    assert len(stage.reader.commits) == 1


async def test_a_partition_that_comes_back_after_refused_commits_is_no_death() -> None:
    """The broker still has the note of our own batch when the partition is placed again."""
    stage = Stage({0: 2})

    def refuse() -> None:
        stage.reader.refuse_commits = True

    def regained() -> bool:
        if stage.reader.refused == 1:
            stage.at_work = lambda: None
            stage.reader.refuse_commits, stage.reader.refused = False, 0
            stage.reader.lose(frozenset({0}))
            stage.reader.give(frozenset({0}))
        return stage.reader.committed.get(0) == 2

    stage.at_work = refuse
    await stage.live(regained)
    # Once more, but in one batch: no record in it is suspected.
    assert stage.done == [(0, 0), (0, 1)] * 2
    assert len(stage.reader.commits) == 3
    assert stage.note() == NOTHING
