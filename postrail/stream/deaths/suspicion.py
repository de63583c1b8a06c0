"""Tracks which records may have killed a process, in the notes of committed offsets. Pure.

A process commits the offset of its first record in flight with a note that says so. A successor
that finds the note of another process knows of a death, and which records were in flight. It reads
those records one at a time, so that the next death identifies the record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from postrail.stream.received import RawRecord, next_offsets


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """The deaths that concern the records from a committed offset on."""

    # Deaths with all records before the offset `until` in flight.
    together: int = 0
    # Deaths with only the record at the committed offset in flight.
    alone: int = 0
    # The records before this offset are read one at a time.
    until: int = 0
    # The process that has records in flight, up to which offset, and whether it is a single one;
    # "": no record is in flight.
    holder: str = ""
    held_until: int = 0
    held_alone: bool = False

    @property
    def text(self) -> str:
        """Returns the note as Kafka keeps it; "" when every field has its default."""
        known = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(known) if known else ""

    def without_holder(self) -> Note:
        """Returns the note with no record in flight."""
        return replace(self, holder="", held_until=0, held_alone=False)

    def after_death(self) -> Note:
        """Returns the note with the death of its holder counted."""
        return Note(
            together=self.together + (not self.held_alone),
            alone=self.alone + self.held_alone,
            until=max(self.until, self.held_until),
        )


NOTHING = Note()


def read_note(text: str) -> Note:
    """Reads the note of a commit; returns NOTHING for text of other programs or later releases."""
    try:
        note = Note(**json.loads(text)) if text else NOTHING
    except (TypeError, ValueError, RecursionError):
        return NOTHING
    known, expected = asdict(note), asdict(NOTHING)
    return note if all(type(known[name]) is type(expected[name]) for name in known) else NOTHING


class Suspicions:
    """The notes that one process has for its partitions, and those of its next commits."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        # For each partition the offset that the note is about.
        self._known: dict[int, tuple[int, Note]] = {}

    def found(self, partition: int, offset: int, text: str) -> bool:
        """Takes over a predecessor's note; returns whether it reports a new death."""
        note = read_note(text)
        # Our own records in flight, from before we lost the partition for a while, are not a death.
        is_death = note.holder not in ("", self._holder)
        self._keep(partition, offset, note.after_death() if is_death else note.without_holder())
        return is_death

    def suspects(self, record: RawRecord) -> bool:
        """Returns whether the record was in flight at a death, and must be read alone."""
        offset, note = self._of(record.partition)
        return offset <= record.offset < note.until

    def deaths(self, partition: int, offset: int) -> int:
        """Returns the number of processes that died with this record in flight."""
        at, note = self._of(partition)
        together = note.together if at <= offset < note.until else 0
        return together + (note.alone if at == offset else 0)

    def text(self, partition: int) -> str:
        """Returns the note for a commit while no record of the partition is in flight."""
        return self._of(partition)[1].text

    def held(self, batch: Sequence[RawRecord]) -> dict[int, tuple[int, str]]:
        """Returns for each partition the first offset in flight, and the note that says so."""
        firsts = {record.partition: record.offset for record in reversed(batch)}
        ends = next_offsets(batch)
        notes = {}
        for partition, first in firsts.items():
            self.passed({partition: first})
            note = replace(
                self._of(partition)[1],
                holder=self._holder,
                held_until=ends[partition].next_offset,
                held_alone=len(batch) == 1,
            )
            notes[partition] = (first, note.text)
        return notes

    def passed(self, offsets: Mapping[int, int]) -> None:
        """Drops what was noted of the records before these offsets: they are done."""
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
