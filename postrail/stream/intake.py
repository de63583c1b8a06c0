"""Stores offsets beside the rows that they stand for, in the same transaction.

The update is a compare-and-set: a worker that was paused while another took over, and a database
that was restored to an earlier time, both show as a gap, and the worker reads again from the
stored offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from postrail.database import Connection, Pool, rows, transaction
from postrail.stream.received import OffsetGap, Received, next_offsets


class IntakeOffsets:
    """The offsets of one consumer group on one topic."""

    def __init__(self, group: str, topic: str, pool: Pool) -> None:
        self._group = group
        self._topic = topic
        self._pool = pool
        self._expected: dict[int, int | None] = {}

    async def stored(self, partitions: Iterable[int]) -> dict[int, int]:
        """Returns the next offset of each partition that has one, as the database has it now."""
        async with transaction(self._pool) as connection:
            found = await rows(
                connection,
                "SELECT partition, next_offset FROM intake_offset"
                " WHERE consumer_group = %s AND topic = %s AND partition = ANY(%s)",
                [self._group, self._topic, list(partitions)],
            )
        return dict(found)

    def expect(self, offsets: Mapping[int, int | None]) -> None:
        """Notes the offsets that the next batch follows (None: the partition has none yet)."""
        self._expected.update(offsets)

    def expected(self, partition: int) -> int | None:
        """Returns the offset that the next batch of the partition follows."""
        return self._expected.get(partition)

    async def advance(self, connection: Connection, batch: Sequence[Received[Any]]) -> None:
        """Moves the offsets past the batch, in the caller's transaction.

        Raises OffsetGap when they are not the ones that this worker left; roll the transaction
        back then. Call `expect` with the same offsets once it is committed.
        """
        wanted = next_offsets(batch)
        found = await rows(
            connection,
            "SELECT partition, next_offset FROM intake_offset"
            " WHERE consumer_group = %s AND topic = %s AND partition = ANY(%s) FOR UPDATE",
            [self._group, self._topic, list(wanted)],
        )
        present: dict[int, int] = dict(found)
        if any(present.get(partition) != self._expected.get(partition) for partition in wanted):
            raise OffsetGap(f"offsets of {self._topic} are {present}, left were {self._expected}")
        await connection.execute(
            "INSERT INTO intake_offset (consumer_group, topic, partition, next_offset)"
            " SELECT %s, %s, * FROM unnest(%s::int[], %s::bigint[])"
            " ON CONFLICT (consumer_group, topic, partition)"
            " DO UPDATE SET next_offset = excluded.next_offset",
            [self._group, self._topic, list(wanted), list(wanted.values())],
        )
