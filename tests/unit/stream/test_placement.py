"""Tests where a partition is read on, by what is stored and what the broker has."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from postrail.errors import TransientError
from postrail.stream.deaths.guard import Guard
from postrail.stream.deaths.suspicion import Note, read_note
from postrail.stream.offsets.metadata import read_metadata, write_metadata
from postrail.stream.offsets.placement import (
    MADE_ANEW,
    REMOVED,
    REPLACED,
    TRUNCATED,
    Placement,
    place_of,
)
from postrail.stream.offsets.position import Position
from postrail.stream.received import OffsetGap, RawRecord, Start
from tests.fakes.streams import MemoryReader, raw

STORED = Position(next_offset=5, topic_id="a", leader_epoch=2, timestamp_ms=70)
BEFORE = replace(raw(0, 4, b""), leader_epoch=2, timestamp_ms=70)


@pytest.mark.parametrize(
    ("stored", "start", "before", "next_offset", "fault"),
    [
        # Nothing stored: what the topic has.
        (None, Start(first=3, end=9, topic_id="a"), None, 3, ""),
        (STORED, Start(first=0, end=9, topic_id="a"), BEFORE, 5, ""),
        (STORED, Start(first=0, end=5, topic_id="a"), BEFORE, 5, ""),
        # Retention has removed the record before, and no more.
        (STORED, Start(first=5, end=9, topic_id="a"), None, 5, ""),
        (STORED, Start(first=6, end=9, topic_id="a"), None, 6, REMOVED),
        # Another topic, before and past the stored offset.
        (STORED, Start(first=0, end=3, topic_id="b"), None, 0, MADE_ANEW),
        (STORED, Start(first=0, end=9, topic_id="b"), None, 0, MADE_ANEW),
        # The same topic, which lost its end, and one that grew again past the offset.
        (STORED, Start(first=0, end=4, topic_id="a"), None, 0, TRUNCATED),
        (STORED, Start(first=0, end=9, topic_id="a"), replace(BEFORE, leader_epoch=3), 0, REPLACED),
        (
            STORED,
            Start(first=0, end=9, topic_id="a"),
            replace(BEFORE, timestamp_ms=71),
            0,
            REPLACED,
        ),
        # Stored by an earlier release: as far as it can be compared.
        (Position(next_offset=5), Start(first=0, end=9, topic_id="a"), None, 5, ""),
        (Position(next_offset=5), Start(first=0, end=4, topic_id="a"), None, 0, TRUNCATED),
    ],
)
def test_a_partition_is_read_on_where_nothing_is_skipped(
    stored: Position | None, start: Start, before: RawRecord | None, next_offset: int, fault: str
) -> None:
    placed, found = place_of(stored, start, before)
    assert (placed.next_offset, found) == (next_offset, fault)
    assert placed.topic_id == start.topic_id
    # Only a position that was kept describes the record before it.
    assert placed.timestamp_ms == (stored.timestamp_ms if stored and not fault else None)


def test_metadata_comes_back_as_it_was_written() -> None:
    note = Note(together=1, alone=2, until=9, holder="x", held_until=4, held_alone=True).text
    text = write_metadata(STORED, note)
    assert read_metadata(5, text) == (STORED, note)
    assert read_metadata(5, write_metadata(STORED, "")) == (STORED, "")
    assert len(text) < 4096


@pytest.mark.parametrize(
    "text", ["", "by hand", "[1]", "null", "{", "[" * 5000, '{"topic_id": 7}', '{"alone": 1}']
)
def test_metadata_of_others_is_a_note_without_a_position(text: str) -> None:
    assert read_metadata(5, text) == (Position(next_offset=5), text)


def test_a_note_of_an_earlier_release_is_still_read() -> None:
    old = Note(alone=2, until=9)
    _, note = read_metadata(5, json.dumps({"alone": 2, "until": 9}))
    assert read_note(note) == old


class Placing:
    """A placement of partition 0 without a table, over a log in memory."""

    def __init__(self, count: int) -> None:
        self.reader = MemoryReader({0: [b""] * count})
        self.reader.topic_id_now = "a"
        self.placement = Placement(self.reader, Guard(self.reader), None, "parser")

    def record(self, offset: int, topic_id: str = "a", leader_epoch: int = 0) -> RawRecord:
        return replace(raw(0, offset, b""), topic_id=topic_id, leader_epoch=leader_epoch)


async def test_records_that_follow_are_taken() -> None:
    placing = Placing(9)
    await placing.placement.place([0])
    placing.placement.require_continuation([placing.record(0), placing.record(1)])
    await placing.placement.taken([placing.record(0), placing.record(1)])
    placing.placement.require_continuation([placing.record(2)])


@pytest.mark.parametrize(
    "change", [{"offset": 3}, {"topic_id": "b"}, {"leader_epoch": 1}], ids=["gap", "id", "epoch"]
)
async def test_records_that_do_not_follow_are_not_taken(change: dict[str, object]) -> None:
    placing = Placing(9)
    await placing.placement.place([0])
    await placing.placement.taken([placing.record(1, leader_epoch=2)])
    with pytest.raises(OffsetGap):
        placing.placement.require_continuation(
            [replace(placing.record(2, leader_epoch=2), **change)]  # type: ignore[arg-type]
        )


async def test_a_gap_that_is_found_again_after_placing_is_in_the_log() -> None:
    placing = Placing(9)
    await placing.placement.place([0])
    with pytest.raises(OffsetGap):
        placing.placement.require_continuation([placing.record(1)])
    await placing.placement.place([0])
    placing.placement.require_continuation([placing.record(1)])
    # Not so for another topic, however often it is polled.
    for _ in range(3):
        with pytest.raises(OffsetGap):
            placing.placement.require_continuation([placing.record(1, topic_id="b")])


@pytest.mark.logs_errors(MADE_ANEW)
async def test_a_topic_that_was_made_anew_is_noticed_without_records() -> None:
    placing = Placing(5)
    await placing.placement.place([0])
    await placing.placement.taken([placing.record(4)])
    await placing.reader.commit_offsets(await placing.placement.taken([placing.record(4)]))
    assert await placing.placement.moved([0]) == []
    placing.reader.topic_id_now = "b"
    assert await placing.placement.moved([0]) == [0]
    await placing.placement.place([0])
    assert placing.reader.positions == {0: 0}
    # Committed at once: it is found, and said, once.
    assert placing.reader.committed_positions[0].place == ("b", 0)


class Overtaken:
    """Stored positions that another worker moves at the same time."""

    async def stored(self, partitions: object) -> dict[int, Position]:
        return {}

    def expect(self, positions: object) -> None:
        pass

    def expected(self, partition: int) -> Position | None:
        return None

    async def move(self, positions: object) -> None:
        raise OffsetGap("moved")


async def test_a_position_that_another_worker_moves_meanwhile_is_read_again() -> None:
    reader = MemoryReader({0: []})
    placement = Placement(reader, Guard(reader), Overtaken(), "handler")
    with pytest.raises(TransientError):
        await placement.place([0])
    assert reader.positions == {}
