"""Notes at the broker which records are in flight, so that a successor sees what a death hit.

Only deaths leave a note behind: a finished batch, a clean stop, a pause and a partition that the
group revokes clear it. A failed commit is harmless: at worst one death is missed, or one is counted
that never happened, and a stage gives a record up only after several deaths with that same record
in flight.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from postrail.observe.log import log
from postrail.stream.consumer import Reader, Start
from postrail.stream.deaths.suspicion import Suspicions
from postrail.stream.received import RawRecord

logger = log(__name__)


class Guard:
    """The hooks that the loop calls for records in flight. This one notes nothing.

    It is enough for stages that see in their own tables which work is unfinished.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def placed(self, starts: Mapping[int, Start]) -> None:
        """Takes over newly assigned partitions, with a predecessor's offsets and notes."""

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

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        """Commits the next offsets of finished work; returns False when they are refused."""
        return await self._reader.commit_offsets(offsets)


class DeathGuard(Guard):
    """Counts deaths in the metadata of the group's own offsets; it needs no other store."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._suspicions = Suspicions(holder=secrets.token_hex(8))
        # The first offset in flight of each partition, and its note.
        self._in_flight: dict[int, tuple[int, str]] = {}

    async def placed(self, starts: Mapping[int, Start]) -> None:
        offsets = {}
        for partition, start in starts.items():
            at = start.committed or 0
            if self._suspicions.found(partition, at, start.note):
                offsets[partition] = at
                logger.warning(
                    "a process died with records in flight",
                    partition=partition,
                    offset=at,
                    deaths=self._suspicions.deaths(partition, at),
                )
        # Committed at once, so that no later death makes a successor count this one again.
        await self._commit(offsets)

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
        offsets = {partition: first for partition, (first, _) in ours.items()}
        self._reader.at_revocation(
            offsets, {partition: self._suspicions.text(partition) for partition in offsets}
        )
        notes = {partition: note for partition, (_, note) in ours.items()}
        if offsets and not await self._reader.commit_offsets(offsets, notes):
            logger.debug("records in flight could not be noted", offsets=offsets)

    async def release(self) -> None:
        if not self._in_flight:
            return
        offsets = {partition: first for partition, (first, _) in self._in_flight.items()}
        self._in_flight = {}
        await self._commit({n: at for n, at in offsets.items() if n in self._reader.assigned})

    def died(self) -> None:
        # Otherwise leaving the group would clear the note.
        self._reader.at_revocation({}, {})

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        self._in_flight = {}
        self._suspicions.passed(offsets)
        return await self._commit(offsets)

    async def _commit(self, offsets: Mapping[int, int]) -> bool:
        notes = {partition: self._suspicions.text(partition) for partition in offsets}
        done = not offsets or await self._reader.commit_offsets(offsets, notes)
        # A refused commit is tried once more when the partitions are revoked.
        self._reader.at_revocation({} if done else offsets, notes)
        return done
