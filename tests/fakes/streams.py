"""Fakes a topic, a consumer and a producer in memory, for unit tests of the loop and stages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from postrail.errors import FatalError
from postrail.stream.offsets.position import Position
from postrail.stream.producer import Entry, Placed
from postrail.stream.received import RawRecord, Start


class MemoryReader:
    """Plays the role Reader over a list of records for each partition."""

    def __init__(self, partitions: dict[int, list[bytes]]) -> None:
        self.records = {
            number: [raw(number, offset, value) for offset, value in enumerate(values)]
            for number, values in partitions.items()
        }
        self.first = dict.fromkeys(partitions, 0)
        self.topic_id_now: str | None = None
        # The next offsets that were committed, and their positions.
        self.committed: dict[int, int] = {}
        self.committed_positions: dict[int, Position] = {}
        self.notes: dict[int, str] = {}
        # Each commit that was accepted, with its notes, in order.
        self.commits: list[tuple[dict[int, int], dict[int, str]]] = []
        self.revocation_commit: tuple[dict[int, Position], dict[int, str]] = ({}, {})
        self.positions: dict[int, int] = {}
        self.assigned_now: frozenset[int] = frozenset(partitions)
        self.fresh: frozenset[int] = frozenset(partitions)
        self.refuse_commits = False
        self.refused = 0
        self.opened = self.closed = False
        self.kept_alive = 0
        # Called at each keep_alive: a test changes the assignment here.
        self.on_keep_alive: Callable[[], object] = lambda: None
        self.max_records = 100

    async def open(self) -> None:
        self.opened = True

    async def close(self) -> None:
        self.revoke(self.assigned_now)
        self.closed = True

    def revoke(self, partitions: frozenset[int]) -> None:
        """Revokes partitions, as the group does in a rebalance."""
        positions, notes = self.revocation_commit
        self._accept({n: at for n, at in positions.items() if n in partitions}, notes)
        self.lose(partitions)

    def lose(self, partitions: frozenset[int]) -> None:
        """Removes partitions without notice, as from an expelled member."""
        self.revocation_commit = ({}, {})
        self.assigned_now -= partitions

    def give(self, partitions: frozenset[int]) -> None:
        """Assigns partitions, still to be placed."""
        self.assigned_now |= partitions
        self.fresh |= partitions
        for number in partitions:
            self.positions.pop(number, None)

    async def poll(self) -> list[RawRecord]:
        await asyncio.sleep(0)
        found: list[RawRecord] = []
        for number in sorted(self.assigned_now & self.positions.keys()):
            start = self.positions[number]
            lot = self.records[number][start : start + self.max_records]
            self.positions[number] = start + len(lot)
            found += [replace(record, topic_id=self.topic_id_now) for record in lot]
        return found

    async def keep_alive(self) -> None:
        self.kept_alive += 1
        self.on_keep_alive()

    @property
    def assigned(self) -> frozenset[int]:
        return self.assigned_now

    def take_fresh(self) -> frozenset[int]:
        fresh, self.fresh = self.fresh, frozenset()
        return fresh

    async def start_offsets(self, partitions: Iterable[int]) -> dict[int, Start]:
        return {
            number: Start(
                first=self.first[number],
                end=len(self.records[number]),
                topic_id=self.topic_id_now,
                committed=self._committed(number),
                note=self.notes.get(number, ""),
            )
            for number in partitions
        }

    def _committed(self, number: int) -> Position | None:
        if number not in self.committed:
            return None
        known = self.committed_positions.get(number, Position(next_offset=0))
        at = self.committed[number]
        return known if known.next_offset == at else Position(next_offset=at)

    async def topic_id(self) -> str | None:
        return self.topic_id_now

    async def records_at(self, offsets: Mapping[int, int]) -> dict[int, RawRecord]:
        return {number: self.records[number][offset] for number, offset in offsets.items()}

    async def seek(self, offsets: Mapping[int, int]) -> None:
        self.positions.update(offsets)

    async def commit_offsets(
        self, positions: Mapping[int, Position], notes: Mapping[int, str] | None = None
    ) -> bool:
        return self._accept(positions, notes or {})

    def _accept(self, positions: Mapping[int, Position], notes: Mapping[int, str]) -> bool:
        if self.refuse_commits:
            self.refused += 1
            return False
        offsets = {number: at.next_offset for number, at in positions.items()}
        self.committed.update(offsets)
        self.committed_positions.update(positions)
        self.notes.update({number: notes.get(number, "") for number in offsets})
        if offsets:
            self.commits.append((dict(offsets), {n: notes.get(n, "") for n in offsets}))
        return True

    def at_revocation(self, positions: Mapping[int, Position], notes: Mapping[int, str]) -> None:
        self.revocation_commit = (dict(positions), dict(notes))

    async def lag(self) -> int:
        return 0


class MemoryProducer:
    """A producer in memory; `acknowledge = False` stands for an unavailable broker."""

    def __init__(self) -> None:
        self.sent: list[Entry] = []
        self.acknowledge = True

    async def send(self, entries: Sequence[Entry]) -> list[Placed]:
        await asyncio.sleep(0)
        if not self.acknowledge:
            raise FatalError("Kafka did not acknowledge a record")
        self.sent += entries
        first = len(self.sent) - len(entries)
        return [Placed(0, number) for number in range(first, len(self.sent))]

    def offer(self, entry: Entry) -> None:
        """Ignores figures."""


def raw(partition: int, offset: int, value: bytes, key: str = "support") -> RawRecord:
    """Makes a record as the broker holds it."""
    return RawRecord(
        topic="mail.fetched",
        partition=partition,
        offset=offset,
        timestamp_ms=0,
        key=key.encode(),
        value=value,
    )
