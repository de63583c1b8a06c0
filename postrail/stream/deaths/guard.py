"""Notes at the broker which records are in flight, so that a successor sees what a death hit.

Only deaths leave a note behind: a finished batch, a clean stop, a pause and a partition that the
group revokes clear it. A failed commit is harmless: at worst one death is missed, or one is counted
that never happened, and a stage gives a record up only after several deaths with that same record
in flight.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from postrail.observe.log import log
from postrail.stream.deaths.suspicion import Suspicions
from postrail.stream.offsets.position import Position
from postrail.stream.received import RawRecord, Reader, Start

logger = log(__name__)


class Guard:
    """The hooks that the loop calls for records in flight. This one notes nothing.

    It is enough for stages that see in their own tables which work is unfinished.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def placed(self, found: Mapping[int, Start], placed: Mapping[int, Position]) -> None:
        """Takes over newly assigned partitions, with a predecessor's positions and notes.

        Commits where they are read on: when a predecessor was killed before its commit, monitoring
        would show a lag for as long as no new record comes.
        """
        await self._reader.commit_offsets(
            {n: at for n, at in placed.items() if found[n].committed or at.next_offset}
        )

    def suspects(self, record: RawRecord) -> bool:
        """Returns whether the record must be processed alone."""
        return False

    def deaths(self, record: RawRecord) -> int:
        """Returns the number of processes that died with this record in flight."""
        return 0

    async def take(self, batch: Sequence[RawRecord]) -> None:
        """Notes that work on these records begins or goes on."""

    async def renew(self) -> None:
        """Repeats the note for partitions that were revoked and assigned again."""

    async def release(self) -> None:
        """Clears the note: work pauses, and the records are not the cause."""

    def died(self) -> None:
        """Leaves the note in place: the process ends by a fault that the records may cause."""

    async def commit(self, positions: Mapping[int, Position]) -> bool:
        """Commits the positions after finished work; returns False when they are refused."""
        return await self._reader.commit_offsets(positions)


class DeathGuard(Guard):
    """Counts deaths in the metadata of the group's own offsets; it needs no other store."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._suspicions = Suspicions(holder=secrets.token_hex(8))
        # The first offset in flight of each partition, and its note.
        self._in_flight: dict[int, tuple[int, str]] = {}
        # The position of each partition, before its records in flight.
        self._positions: dict[int, Position] = {}

    async def placed(self, found: Mapping[int, Start], placed: Mapping[int, Position]) -> None:
        self._positions.update(placed)
        changed = set()
        for partition, start in found.items():
            at = placed[partition].next_offset
            committed = start.committed or placed[partition]
            # A note is about records of the log that the predecessor read.
            same = committed.next_offset == at and committed.is_of(placed[partition].topic_id)
            if self._suspicions.found(partition, at, start.note if same else ""):
                changed.add(partition)
                logger.warning(
                    "a process died with records in flight",
                    partition=partition,
                    offset=at,
                    deaths=self._suspicions.deaths(partition, at),
                )
            if committed != placed[partition]:
                changed.add(partition)
        # Committed at once, so that no later death makes a successor count this one again.
        await self._commit({partition: placed[partition] for partition in changed})

    def suspects(self, record: RawRecord) -> bool:
        return self._suspicions.suspects(record)

    def deaths(self, record: RawRecord) -> int:
        return self._suspicions.deaths(record.partition, record.offset)

    async def take(self, batch: Sequence[RawRecord]) -> None:
        if not self._in_flight:
            self._in_flight = self._suspicions.held(batch)
            await self._note()

    async def renew(self) -> None:
        if self._reader.fresh & self._in_flight.keys():
            await self._note()

    async def _note(self) -> None:
        ours = {n: held for n, held in self._in_flight.items() if n in self._reader.assigned}
        positions = {
            partition: self._at(partition, first) for partition, (first, _) in ours.items()
        }
        self._reader.at_revocation(
            positions, {partition: self._suspicions.text(partition) for partition in positions}
        )
        notes = {partition: note for partition, (_, note) in ours.items()}
        if positions and not await self._reader.commit_offsets(positions, notes):
            logger.debug("records in flight could not be noted", partitions=sorted(positions))

    def _at(self, partition: int, first: int) -> Position:
        """Returns the position before a record in flight, even behind a gap of the log."""
        return replace(self._positions[partition], next_offset=first)

    async def release(self) -> None:
        if not self._in_flight:
            return
        held = {n: self._at(n, first) for n, (first, _) in self._in_flight.items()}
        self._in_flight = {}
        await self._commit({n: at for n, at in held.items() if n in self._reader.assigned})

    def died(self) -> None:
        # Otherwise leaving the group would clear the note.
        self._reader.at_revocation({}, {})

    async def commit(self, positions: Mapping[int, Position]) -> bool:
        self._in_flight = {}
        self._positions.update(positions)
        self._suspicions.passed({n: at.next_offset for n, at in positions.items()})
        return await self._commit(positions)

    async def _commit(self, positions: Mapping[int, Position]) -> bool:
        notes = {partition: self._suspicions.text(partition) for partition in positions}
        done = not positions or await self._reader.commit_offsets(positions, notes)
        # A refused commit is tried once more when the partitions are revoked.
        self._reader.at_revocation({} if done else positions, notes)
        return done
