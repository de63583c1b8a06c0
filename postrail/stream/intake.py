"""Stores positions beside the rows that they stand for, in the same transaction.

The update is a compare-and-set: a worker that was paused while another took over, a database that
was restored to an earlier time, and records of another topic all show as a gap, and the worker
reads again from the stored positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from postrail.database import Connection, Pool, rows, transaction
from postrail.stream.offsets import topics_seen
from postrail.stream.offsets.position import Position
from postrail.stream.received import OffsetGap, Received, next_offsets


class IntakeOffsets:
    """The positions of one consumer group on one topic."""

    def __init__(self, group: str, topic: str, pool: Pool) -> None:
        self._group = group
        self._topic = topic
        self._pool = pool
        self._expected: dict[int, Position | None] = {}

    async def stored(self, partitions: Iterable[int]) -> dict[int, Position]:
        """Returns the position of each partition that has one, as the database has it now."""
        async with transaction(self._pool) as connection:
            found = await stored_positions(connection, self._group, self._topic)
        return {number: found[number] for number in partitions if number in found}

    def expect(self, positions: Mapping[int, Position | None]) -> None:
        """Notes the positions that the next batch follows (None: the partition has none yet)."""
        self._expected.update(positions)

    def expected(self, partition: int) -> Position | None:
        """Returns the position that the next batch of the partition follows."""
        return self._expected.get(partition)

    async def advance(self, connection: Connection, batch: Sequence[Received[Any]]) -> None:
        """Moves the positions past the batch, in the caller's transaction.

        Raises OffsetGap when they are not the ones that this worker left; roll the transaction
        back then. Call `expect` with the same positions once it is committed.
        """
        await self._move(connection, next_offsets(batch))

    async def move(self, positions: Mapping[int, Position]) -> None:
        """Moves the positions in a transaction of its own, and expects them from now on.

        Raises OffsetGap when the stored ones are not those that were expected.
        """
        async with transaction(self._pool) as connection:
            await self._move(connection, positions)
            for topic_id in {at.topic_id for at in positions.values() if at.topic_id}:
                await topics_seen.note(connection, self._topic, topic_id)
        self.expect(positions)

    async def _move(self, connection: Connection, positions: Mapping[int, Position]) -> None:
        known = {n: at for n in positions if (at := self._expected.get(n)) is not None}
        moved = await self._update(connection, known, positions) if known else 0
        if fresh := {n: at for n, at in positions.items() if n not in known}:
            moved += await self._insert(connection, fresh)
        if moved < len(positions):
            raise OffsetGap(
                f"the stored positions of {self._topic} are not the ones that were left here:"
                f" {[(n, known[n].place if n in known else None) for n in positions]}"
            )

    async def _update(
        self,
        connection: Connection,
        left: Mapping[int, Position],
        positions: Mapping[int, Position],
    ) -> int:
        """Moves those positions that are as they were left; returns their number."""
        moving = {number: positions[number] for number in left}
        cursor = await connection.execute(
            "UPDATE intake_offset AS present SET next_offset = moved.next_offset,"
            "  topic_id = moved.topic_id, leader_epoch = moved.leader_epoch,"
            "  timestamp_ms = moved.timestamp_ms, described_offset = moved.next_offset"
            " FROM unnest(%s::int[], %s::bigint[], %s::uuid[], %s::int[], %s::bigint[],"
            "   %s::bigint[], %s::uuid[])"
            "  AS moved(partition, next_offset, topic_id, leader_epoch, timestamp_ms,"
            "   left_offset, left_topic_id)"
            " WHERE consumer_group = %s AND topic = %s AND present.partition = moved.partition"
            "  AND present.next_offset = moved.left_offset"
            "  AND present.topic_id IS NOT DISTINCT FROM moved.left_topic_id",
            [
                *_columns(moving),
                [at.next_offset for at in left.values()],
                [at.topic_id for at in left.values()],
                self._group,
                self._topic,
            ],
        )
        return cursor.rowcount

    async def _insert(self, connection: Connection, positions: Mapping[int, Position]) -> int:
        """Adds the first positions of partitions that have none; returns their number."""
        cursor = await connection.execute(
            "INSERT INTO intake_offset (consumer_group, topic, partition, next_offset, topic_id,"
            "  leader_epoch, timestamp_ms, described_offset)"
            " SELECT %s, %s, partition, next_offset, topic_id, leader_epoch, timestamp_ms,"
            "  next_offset"
            " FROM unnest(%s::int[], %s::bigint[], %s::uuid[], %s::int[], %s::bigint[])"
            "  AS first(partition, next_offset, topic_id, leader_epoch, timestamp_ms)"
            " ON CONFLICT (consumer_group, topic, partition) DO NOTHING",
            [self._group, self._topic, *_columns(positions)],
        )
        return cursor.rowcount


def _columns(positions: Mapping[int, Position]) -> list[list[Any]]:
    return [
        list(positions),
        [at.next_offset for at in positions.values()],
        [at.topic_id for at in positions.values()],
        [at.leader_epoch for at in positions.values()],
        [at.timestamp_ms for at in positions.values()],
    ]


async def stored_positions(connection: Connection, group: str, topic: str) -> dict[int, Position]:
    """Returns the position of each partition that the group has taken in from the topic.

    An earlier release moves the offset alone: what was stored of another offset does not count.
    """
    found = await rows(
        connection,
        "SELECT partition, next_offset, topic_id::text, leader_epoch, timestamp_ms,"
        "  described_offset = next_offset FROM intake_offset"
        " WHERE consumer_group = %s AND topic = %s",
        [group, topic],
    )
    return {
        row[0]: Position(
            next_offset=row[1],
            topic_id=row[2],
            leader_epoch=row[3] if row[5] else None,
            timestamp_ms=row[4] if row[5] else None,
        )
        for row in found
    }
