"""The records that a stage receives, and the offsets that it keeps beside its own rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from postrail.errors import PipelineError
from postrail.records import R_co


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


def next_offsets(batch: Iterable[Received[Any]]) -> dict[int, int]:
    """Returns the next offset of each partition after a batch."""
    return {received.partition: received.offset + 1 for received in batch}
