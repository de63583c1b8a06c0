"""Places partitions for the consumer loop, and checks that the records polled follow.

A position is compared with the broker's log whenever partitions are placed: the topic's id, the
ends of the log, and the record before the position. Where the log is not the one that was read, or
lost a part, the partition is read from its first record: what was lost cannot be told from what is
new, and records that were taken before have no second effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from postrail.errors import TransientError
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.stream.deaths.guard import Guard
from postrail.stream.offsets.position import Position
from postrail.stream.received import OffsetGap, Positions, RawRecord, Reader, Start, next_offsets

logger = log(__name__)

REMOVED = "retention has removed records before they were handled"
MADE_ANEW = "a topic was made anew: it is read from its start"
TRUNCATED = "Kafka lost the end of a partition: reading it from its start"
REPLACED = "a partition has other records than those that were read: reading it from its start"
LOOK_FOR_FETCHED = "Messages whose records are lost are asked for again; see: postrail doctor"
REMEDIES = {
    REMOVED: "Look for the messages in state fetched, and raise POSTRAIL_KAFKA__RETENTION_DAYS",
    MADE_ANEW: LOOK_FOR_FETCHED,
    TRUNCATED: LOOK_FOR_FETCHED,
    REPLACED: LOOK_FOR_FETCHED,
}


class Placement:
    """The position of each placed partition of one worker."""

    def __init__(
        self, reader: Reader, guard: Guard, positions: Positions | None, group: str
    ) -> None:
        self._reader = reader
        self._guard = guard
        self._positions = positions
        self._group = group
        self._next: dict[int, Position] = {}
        # Where records did not follow, since the partitions were placed for it.
        self._odd: dict[int, tuple[Position, RawRecord]] = {}

    async def place(self, partitions: Iterable[int]) -> None:
        """Reads the partitions from the stored positions on: the database's, or else the group's.

        Raises TransientError when another worker moves a stored position meanwhile.
        """
        numbers = list(partitions)
        # Read before the ends of the log, so that it cannot lie past an end that was true.
        stored = await self._positions.stored(numbers) if self._positions else None
        found = await self._reader.start_offsets(numbers)
        if stored is None:
            # Kafka removes a group's offsets together with the topic.
            known = {n: start.committed or self._next.get(n) for n, start in found.items()}
            stored = {number: at for number, at in known.items() if at}
        before = await self._reader.records_at(_comparable(stored, found))
        placed: dict[int, Position] = {}
        for number, start in found.items():
            placed[number], fault = place_of(stored.get(number), start, before.get(number))
            if fault:
                self._alert(number, fault, stored[number], placed[number])
        await self._store(stored, placed)
        self._next.update(placed)
        await self._guard.placed(found, placed)
        await self._reader.seek({number: at.next_offset for number, at in placed.items()})

    async def _store(self, stored: Mapping[int, Position], placed: Mapping[int, Position]) -> None:
        """Stores the positions that differ from the stored ones."""
        if self._positions is None:
            return
        self._positions.expect({number: stored.get(number) for number in placed})
        changed = {n: at for n, at in placed.items() if at != stored.get(n)}
        if not changed:
            return
        try:
            await self._positions.move(changed)
        except OffsetGap as gap:
            raise TransientError(gap.problem) from gap

    def require_continuation(self, records: Sequence[RawRecord]) -> None:
        """Raises OffsetGap unless the records follow the positions of their partitions.

        A gap that is found again after the partitions were placed is in the log, and is passed.
        """
        firsts = {record.partition: record for record in reversed(records)}
        gaps = [record for record in firsts.values() if not self._continues(record)]
        if gaps:
            raise OffsetGap(
                "records do not follow: "
                + ", ".join(f"{one.partition}: {one.offset} of {one.topic_id}" for one in gaps)
            )

    def _continues(self, record: RawRecord) -> bool:
        at = self._next.get(record.partition)
        if at is None or not at.is_of(record.topic_id):
            return False
        if record.offset == at.next_offset and (record.leader_epoch or 0) >= (at.leader_epoch or 0):
            return True
        seen = (at, replace(record, key=None, value=b""))
        if self._odd.get(record.partition) == seen:
            logger.warning(
                "the log has a gap",
                partition=record.partition,
                expected_offset=at.next_offset,
                offset=record.offset,
            )
            return True
        self._odd[record.partition] = seen
        return False

    async def taken(self, batch: Sequence[RawRecord]) -> dict[int, Position]:
        """Returns the positions after a finished batch, which the next one must follow.

        The database's positions are moved past records that did not decode.
        """
        after = next_offsets(batch)
        self._next.update(after)
        if self._positions:
            left = {n: at for n, at in after.items() if self._positions.expected(n) != at}
            if left:
                await self._positions.move(left)
        return after

    async def moved(self, partitions: Iterable[int]) -> list[int]:
        """Returns the partitions whose topic was made anew, or whose stored position moved."""
        placed = [number for number in partitions if number in self._next]
        topic_id = await self._reader.topic_id()
        found = [number for number in placed if not self._next[number].is_of(topic_id)]
        if self._positions:
            stored = await self._positions.stored(placed)
            found += [n for n in placed if stored.get(n) != self._positions.expected(n)]
        return sorted(set(found))

    def _alert(self, partition: int, fault: str, stored: Position, placed: Position) -> None:
        metrics.count_log_fault(self._group)
        logger.error(
            fault,
            partition=partition,
            expected_offset=stored.next_offset,
            first_offset=placed.next_offset,
            expected_topic_id=stored.topic_id,
            topic_id=placed.topic_id,
            remedy=REMEDIES[fault],
        )


def _comparable(stored: Mapping[int, Position], found: Mapping[int, Start]) -> dict[int, int]:
    """Returns the offset before each stored position that may still have its record."""
    return {
        number: at.next_offset - 1
        for number, at in stored.items()
        if at.timestamp_ms is not None
        and at.is_of(found[number].topic_id)
        and found[number].first < at.next_offset <= found[number].end
    }


def place_of(
    stored: Position | None, start: Start, before: RawRecord | None
) -> tuple[Position, str]:
    """Returns where a partition is read on, and the fault of its log ("": it has none).

    `before` is the record before the stored position, if there is one.
    """
    from_start = Position(next_offset=start.first, topic_id=start.topic_id)
    if stored is None:
        return from_start, ""
    if not stored.is_of(start.topic_id):
        return from_start, MADE_ANEW
    if stored.next_offset > start.end:
        return from_start, TRUNCATED
    if stored.next_offset < start.first:
        return from_start, REMOVED
    if before and not stored.comes_after(before.leader_epoch, before.timestamp_ms):
        return from_start, REPLACED
    return replace(stored, topic_id=start.topic_id or stored.topic_id), ""
