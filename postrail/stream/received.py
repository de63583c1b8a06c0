"""The records that a stage receives, in batches, and the offsets that it keeps beside its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from postrail.errors import PipelineError
from postrail.records import R, R_co
from postrail.stream import avro


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRecord:
    """A record as the broker holds it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


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


class OffsetGap(PipelineError):
    """The stored offset is not the one that this worker left: the batch does not follow it."""


class Positions(Protocol):
    """Offsets that are stored beside the rows that they stand for (postrail.stream.intake)."""

    async def stored(self, partitions: Iterable[int]) -> dict[int, int]:
        """Returns the next offset of each partition that has one, as the database has it now."""

    def expect(self, offsets: Mapping[int, int | None]) -> None:
        """Notes the offsets that the next batch follows (None: the partition has none yet)."""

    def expected(self, partition: int) -> int | None:
        """Returns the offset that the next batch of the partition follows."""


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


def next_offsets(batch: Iterable[Received[Any] | RawRecord]) -> dict[int, int]:
    """Returns the next offset of each partition after a batch."""
    return {record.partition: record.offset + 1 for record in batch}
