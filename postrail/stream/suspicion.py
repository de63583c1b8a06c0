"""Which records a process may have died of: bookkeeping only, kept as notes of committed offsets.

Who has records in hand commits the offset of the first one with a note that says so. A successor
that finds such a note of somebody else knows of a death, and with which records in hand. It reads
those records one at a time, so that the next death tells which of them it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from postrail.stream.consumer import RawRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What is known of the records from a committed offset on."""

    # Deaths with all records before the offset `until` in hand.
    together: int = 0
    # Deaths with nothing in hand but the record at the committed offset.
    alone: int = 0
    # The records before this offset are read one at a time.
    until: int = 0
    # Who has records in hand, up to which offset, and whether it is a single one; "": nobody has.
    holder: str = ""
    held_until: int = 0
    held_alone: bool = False

    @property
    def text(self) -> str:
        """The note as Kafka keeps it; nothing when nothing is known."""
        known = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(known) if known else ""

    def without_holder(self) -> Note:
        """The same, with nothing in hand."""
        return replace(self, holder="", held_until=0, held_alone=False)

    def after_death(self) -> Note:
        """What is known when the holder has died: one death more."""
        return Note(
            together=self.together + (not self.held_alone),
            alone=self.alone + self.held_alone,
            until=max(self.until, self.held_until),
        )


NOTHING = Note()


def read_note(text: str) -> Note:
    """The note in a commit; what others wrote there, or a later release, says nothing."""
    try:
        note = Note(**json.loads(text)) if text else NOTHING
    except (TypeError, ValueError, RecursionError):
        return NOTHING
    known, expected = asdict(note), asdict(NOTHING)
    return note if all(type(known[name]) is type(expected[name]) for name in known) else NOTHING


class Suspicions:
    """What one process knows of its partitions, and what its commits must say."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        # For each partition the offset that the note is about.
        self._known: dict[int, tuple[int, Note]] = {}

    def found(self, partition: int, offset: int, text: str) -> bool:
        """Takes over what a predecessor has noted; says whether that tells of a new death."""
        note = read_note(text)
        # What we had in hand ourselves before we lost the partition for a while is no death.
        is_death = note.holder not in ("", self._holder)
        self._keep(partition, offset, note.after_death() if is_death else note.without_holder())
        return is_death

    def suspects(self, record: RawRecord) -> bool:
        """Whether the record was in hand at a death, and must be read alone."""
        offset, note = self._of(record.partition)
        return offset <= record.offset < note.until

    def deaths(self, partition: int, offset: int) -> int:
        """How many processes have died with this record in hand."""
        at, note = self._of(partition)
        together = note.together if at <= offset < note.until else 0
        return together + (note.alone if at == offset else 0)

    def text(self, partition: int) -> str:
        """What to note while nothing of the partition is in hand."""
        return self._of(partition)[1].text

    def held(self, batch: Sequence[RawRecord]) -> dict[int, tuple[int, str]]:
        """The first offset of each partition of the batch, and the note that it is in hand."""
        firsts = {record.partition: record.offset for record in reversed(batch)}
        ends = next_raw_offsets(batch)
        notes = {}
        for partition, first in firsts.items():
            self.passed({partition: first})
            note = replace(
                self._of(partition)[1],
                holder=self._holder,
                held_until=ends[partition],
                held_alone=len(batch) == 1,
            )
            notes[partition] = (first, note.text)
        return notes

    def passed(self, offsets: Mapping[int, int]) -> None:
        """All before these offsets is done."""
        for partition, offset in offsets.items():
            at, note = self._of(partition)
            if offset != at:
                self._keep(partition, offset, replace(note, alone=0))

    def _of(self, partition: int) -> tuple[int, Note]:
        return self._known.get(partition, (0, NOTHING))

    def _keep(self, partition: int, offset: int, note: Note) -> None:
        if offset < note.until:
            self._known[partition] = (offset, note)
        else:
            self._known.pop(partition, None)


def next_raw_offsets(batch: Sequence[RawRecord]) -> dict[int, int]:
    """The next offset of each partition after a batch."""
    return {record.partition: record.offset + 1 for record in batch}
