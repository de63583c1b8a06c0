"""Tests the notes about deaths: what a successor reads from one, and when suspicion ends."""

from __future__ import annotations

import pytest

from postrail.stream.deaths.suspicion import NOTHING, Note, Suspicions, read_note
from postrail.stream.received import RawRecord
from tests.fakes.streams import raw


def records(*offsets: int, partition: int = 0) -> list[RawRecord]:
    return [raw(partition, offset, b"") for offset in offsets]


def note_of(process: str, batch: list[RawRecord], *, after: str = "") -> str:
    """Returns the note of partition 0 with this batch in flight, after the found note `after`."""
    suspicions = Suspicions(process)
    suspicions.found(0, batch[0].offset, after)
    return suspicions.held(batch)[0][1]


def successor(offset: int, note: str) -> Suspicions:
    suspicions = Suspicions("successor")
    suspicions.found(0, offset, note)
    return suspicions


@pytest.mark.parametrize(
    "text",
    [
        "",
        # Other programs may use the metadata too.
        "committed by hand",
        "[1, 2]",
        "null",
        "{",
        "[" * 5000,
        # A later release may have other fields or types.
        '{"alone": 1, "colour": "red"}',
        '{"alone": "2", "until": 4}',
        '{"alone": null}',
        '{"held_alone": 1}',
    ],
)
def test_a_foreign_note_is_ignored(text: str) -> None:
    assert read_note(text) == NOTHING


def test_a_note_comes_back_as_it_was_written() -> None:
    note = Note(together=1, alone=2, until=9, holder="x", held_until=4, held_alone=True)
    assert read_note(note.text) == note
    assert NOTHING.text == ""


def test_a_death_with_a_batch_in_flight_counts_for_each_of_its_records_only() -> None:
    suspicions = successor(5, note_of("first", records(5, 6, 7)))
    assert [suspicions.deaths(0, offset) for offset in (4, 5, 6, 7, 8)] == [0, 1, 1, 1, 0]
    suspected = [record.offset for record in records(4, 5, 6, 7, 8) if suspicions.suspects(record)]
    assert suspected == [5, 6, 7]


def test_a_death_with_one_record_in_flight_counts_for_it_only() -> None:
    batch = note_of("first", records(5, 6, 7))
    suspicions = successor(5, note_of("second", records(5), after=batch))
    assert [suspicions.deaths(0, offset) for offset in (5, 6, 7)] == [2, 1, 1]


def test_a_record_that_passes_takes_its_own_deaths_with_it_and_leaves_the_common_one() -> None:
    batch = note_of("first", records(5, 6, 7))
    suspicions = successor(5, note_of("second", records(5), after=batch))
    suspicions.passed({0: 6})
    assert [suspicions.deaths(0, offset) for offset in (6, 7)] == [1, 1]
    assert read_note(suspicions.text(0)) == Note(together=1, until=8)


def test_suspicion_ends_behind_the_records_that_were_in_flight() -> None:
    suspicions = successor(5, note_of("first", records(5, 6)))
    suspicions.passed({0: 6})
    suspicions.passed({0: 7})
    assert suspicions.text(0) == ""
    assert not suspicions.suspects(raw(0, 7, b""))


def test_one_record_of_each_of_two_partitions_is_not_alone() -> None:
    suspicions = Suspicions("first")
    notes = suspicions.held(records(5) + records(9, partition=1))
    assert {n: (at, read_note(note).held_alone) for n, (at, note) in notes.items()} == {
        0: (5, False),
        1: (9, False),
    }


def test_a_process_s_own_note_is_not_a_death() -> None:
    suspicions = Suspicions("same")
    assert not suspicions.found(0, 5, note_of("same", records(5)))
    assert suspicions.text(0) == ""


def test_a_note_without_a_holder_keeps_the_count() -> None:
    known = successor(5, note_of("first", records(5))).text(0)
    suspicions = Suspicions("third")
    assert not suspicions.found(0, 5, known)
    assert suspicions.deaths(0, 5) == 1


def test_records_that_retention_removed_leave_no_deaths_to_those_behind() -> None:
    suspicions = successor(5, note_of("first", records(5)))
    assert read_note(suspicions.held(records(8, 9))[0][1]).after_death() == Note(
        together=1, until=10
    )


def test_what_is_found_replaces_what_was_known() -> None:
    suspicions = successor(5, note_of("first", records(5, 6)))
    # Another member has had the partition meanwhile, and finished the records.
    suspicions.found(0, 7, "")
    assert suspicions.deaths(0, 5) == 0
