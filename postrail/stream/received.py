"""The records that a stage receives, in batches, and the roles that they are read through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from postrail.errors import PipelineError
from postrail.records import R, R_co
from postrail.stream import avro
from postrail.stream.offsets.position import Position


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRecord:
    """A record as the broker holds it, with the id that its topic had after it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    topic_id: str | None = None
    leader_epoch: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Received(Generic[R_co]):
    """One decoded record of a topic, with its place there; `size` is that of its value in bytes.

    `deaths` counts the processes of a guarded stage that died with this record in flight. When it
    is above 0, the record comes in a batch of its own.
    """

    topic: str
    partition: int
    offset: int
    key: str
    timestamp_ms: int
    size: int
    record: R_co
    deaths: int = 0
    topic_id: str | None = None
    leader_epoch: int | None = None


class OffsetGap(PipelineError):
    """The batch does not follow the stored position, or that is not the one this worker left."""


class Positions(Protocol):
    """Positions that are stored beside the rows that they stand for (postrail.stream.intake)."""

    async def stored(self, partitions: Iterable[int]) -> dict[int, Position]:
        """Returns the position of each partition that has one, as the database has it now."""

    def expect(self, positions: Mapping[int, Position | None]) -> None:
        """Notes the positions that the next batch follows (None: the partition has none yet)."""

    def expected(self, partition: int) -> Position | None:
        """Returns the position that the next batch of the partition follows."""

    async def move(self, positions: Mapping[int, Position]) -> None:
        """Moves the stored positions without rows, and expects them from now on.

        Raises OffsetGap when the stored ones are not those that were expected.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The offsets from which a partition can be read."""

    # The first offset that still exists, and the one that the next record will get.
    first: int
    end: int
    topic_id: str | None = None
    committed: Position | None = None
    # The stage's note in the metadata of the committed offset.
    note: str = ""


class Reader(Protocol):
    """The part of a consumer that the worker needs; tests have one in memory."""

    async def open(self) -> None:
        """Joins the group."""

    async def close(self) -> None:
        """Leaves the group at once, so that other members take over without waiting."""

    async def poll(self) -> list[RawRecord]:
        """Returns the next records in the order of their partitions, or none after the timeout.

        The topic's id is asked for after they were read, so that records of a topic that was made
        anew never bear the id of the one before. Raises OffsetGap when the broker has no record at
        the position of a partition: partitions must be placed again then.
        """

    async def keep_alive(self) -> None:
        """Stays a member of the group while a batch is processed; reads no records."""

    @property
    def assigned(self) -> frozenset[int]:
        """Returns the partitions that are assigned to this member now."""

    @property
    def fresh(self) -> frozenset[int]:
        """Returns the partitions assigned since the last `take_fresh`; they are still paused."""

    def take_fresh(self) -> frozenset[int]:
        """Returns the fresh partitions once; the caller must place them."""

    async def topic_id(self) -> str | None:
        """Returns the id that the topic has now."""

    async def start_offsets(self, partitions: Iterable[int]) -> dict[int, Start]:
        """Returns the first and last offset of each partition, and the group's committed one."""

    async def records_at(self, offsets: Mapping[int, int]) -> dict[int, RawRecord]:
        """Returns the record at one offset of each partition; leaves out those without one."""

    async def seek(self, offsets: Mapping[int, int]) -> None:
        """Sets the positions of these partitions, and resumes them."""

    async def commit_offsets(
        self, positions: Mapping[int, Position], notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commits positions with notes; returns False when the group refuses them."""

    def at_revocation(self, positions: Mapping[int, Position], notes: Mapping[int, str]) -> None:
        """Sets what is committed, once, for partitions that the group revokes.

        Replaces the last call. A member that is expelled from the group commits nothing.
        """

    async def lag(self) -> int:
        """Counts the unread records of our partitions.

        Raises TransientError without a broker, and OffsetGap as `poll` does.
        """


def decoded(record_type: type[R], raw: RawRecord, deaths: int) -> Received[R]:
    """Decodes a record; raises as `avro.decode_as` does."""
    return Received(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=(raw.key or b"").decode("utf-8", "replace"),
        timestamp_ms=raw.timestamp_ms,
        size=len(raw.value),
        record=avro.decode_as(record_type, raw.value),
        deaths=deaths,
        topic_id=raw.topic_id,
        leader_epoch=raw.leader_epoch,
    )


def batches(
    records: Sequence[RawRecord],
    max_bytes: int,
    alone: Callable[[RawRecord], bool] = lambda _: False,
) -> Iterator[list[RawRecord]]:
    """Splits records into batches of at most `max_bytes`, but at least one record each.

    A record for which `alone` is true is a batch of its own.
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


def next_offsets(batch: Iterable[Received[Any] | RawRecord]) -> dict[int, Position]:
    """Returns the position of each partition after a batch."""
    last = {record.partition: record for record in batch}
    return {
        partition: Position(
            next_offset=record.offset + 1,
            topic_id=record.topic_id,
            leader_epoch=record.leader_epoch,
            timestamp_ms=record.timestamp_ms,
        )
        for partition, record in last.items()
    }
