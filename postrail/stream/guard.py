"""Tells the broker what a stage has in hand, so that a successor knows what a process died of.

Only deaths leave a note behind: a batch that is done, a clean stop, a pause and a partition that
the group takes away clear it. A commit that fails is no trouble: at worst a death is not counted,
or one is counted that was none, and it takes several, each with one and the same record in hand,
until a stage gives a record up.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from postrail.observe.log import log
from postrail.stream.consumer import RawRecord, Reader, Start
from postrail.stream.suspicion import Suspicions

logger = log(__name__)


class Guard:
    """What the loop says of the records in hand. This one tells nobody.

    It is enough for stages that see in their own tables what they have not done.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def placed(self, starts: Mapping[int, Start]) -> None:
        """These partitions are ours now, with a predecessor's offsets and notes."""

    def suspects(self, record: RawRecord) -> bool:
        """Whether the record must be worked on alone."""
        return False

    def deaths(self, record: RawRecord) -> int:
        """How many processes have died with this record in hand."""
        return 0

    async def take(self, batch: Sequence[RawRecord]) -> None:
        """Work on these records begins, or goes on."""

    async def renew(self) -> None:
        """Says again what is in hand, of partitions that were taken away and given back."""

    async def put_down(self) -> None:
        """Work pauses, through no fault of the records."""

    def died(self) -> None:
        """The process ends by a fault that may be the records'."""

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        """Commits the next offsets of work that is done; False when it was refused."""
        return await self._reader.commit_offsets(offsets)


class DeathGuard(Guard):
    """Counts deaths, in the notes of the group's own offsets: no other store is needed."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._suspicions = Suspicions(holder=secrets.token_hex(8))
        # The first offset of each partition in hand, and its note.
        self._in_hand: dict[int, tuple[int, str]] = {}

    async def placed(self, starts: Mapping[int, Start]) -> None:
        offsets = {}
        for partition, start in starts.items():
            at = start.committed or 0
            if self._suspicions.found(partition, at, start.note):
                offsets[partition] = at
                logger.warning(
                    "a process died with records in hand",
                    partition=partition,
                    offset=at,
                    deaths=self._suspicions.deaths(partition, at),
                )
        # Once it is counted it must not be counted again, whoever dies next of whatever.
        await self._commit(offsets)

    def suspects(self, record: RawRecord) -> bool:
        return self._suspicions.suspects(record)

    def deaths(self, record: RawRecord) -> int:
        return self._suspicions.deaths(record.partition, record.offset)

    async def take(self, batch: Sequence[RawRecord]) -> None:
        if not self._in_hand:
            self._in_hand = self._suspicions.held(batch)
            await self._say()

    async def renew(self) -> None:
        if self._reader.fresh & self._in_hand.keys():
            await self._say()

    async def _say(self) -> None:
        ours = {n: held for n, held in self._in_hand.items() if n in self._reader.assigned}
        offsets = {partition: first for partition, (first, _) in ours.items()}
        self._reader.at_revocation(
            offsets, {partition: self._suspicions.text(partition) for partition in offsets}
        )
        notes = {partition: note for partition, (_, note) in ours.items()}
        if offsets and not await self._reader.commit_offsets(offsets, notes):
            logger.debug("what is in hand could not be noted", offsets=offsets)

    async def put_down(self) -> None:
        if not self._in_hand:
            return
        offsets = {partition: first for partition, (first, _) in self._in_hand.items()}
        self._in_hand = {}
        await self._commit({n: at for n, at in offsets.items() if n in self._reader.assigned})

    def died(self) -> None:
        # Else what is in hand would be put down on leaving the group.
        self._reader.at_revocation({}, {})

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        self._in_hand = {}
        self._suspicions.passed(offsets)
        return await self._commit(offsets)

    async def _commit(self, offsets: Mapping[int, int]) -> bool:
        notes = {partition: self._suspicions.text(partition) for partition in offsets}
        done = not offsets or await self._reader.commit_offsets(offsets, notes)
        # What was refused is tried once more when the partitions are given back.
        self._reader.at_revocation({} if done else offsets, notes)
        return done
