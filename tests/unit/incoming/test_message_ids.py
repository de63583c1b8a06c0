"""The ids that a message carries and names, and the keys in its subject."""

from __future__ import annotations

import pytest

from postrail.incoming.message_ids import (
    REFERENCES_KEPT,
    keys_in,
    message_hash,
    named_by,
    numbers_in,
)
from tests.makers.records import mail_parsed


@pytest.mark.parametrize(
    ("subject", "keys"),
    [
        ("Re: [HELP-1] Printer on fire", ("HELP-1",)),
        # several, each once, in order
        ("SALE-2 and HELP-1, SALE-2 again", ("SALE-2", "HELP-1")),
        # looks like a key: the look-up finds no such issue
        ("UTF-8", ("UTF-8",)),
        ("help-1, HELP-0, HELP-01, XHELP -1, A-1", ()),
        ("", ()),
    ],
)
def test_keys_in_a_subject(subject: str, keys: tuple[str, ...]) -> None:
    assert keys_in(subject) == keys


def test_a_long_subject_is_searched_at_its_beginning() -> None:
    assert keys_in("x " * 600 + "HELP-1") == ()


def test_ids_come_strongest_first_and_once() -> None:
    mail = mail_parsed(
        message_id="<own@x>", in_reply_to=["<parent@x>"], references=["<first@x>", "<parent@x>"]
    )
    ids = ["<own@x>", "<parent@x>", "<first@x>"]
    assert named_by(mail).hashes == tuple(map(message_hash, ids))


def test_of_many_references_the_first_and_last_are_kept() -> None:
    references = [f"<{n}@x>" for n in range(100)]
    hashes = named_by(mail_parsed(message_id=None, references=references)).hashes
    assert len(hashes) == 2 * REFERENCES_KEPT
    assert hashes[0] == message_hash("<99@x>")
    assert hashes[-1] == message_hash("<0@x>")


def test_spaces_around_an_id_do_not_count() -> None:
    assert message_hash(" <a@x>\n") == message_hash("<a@x>")
    assert len(message_hash("<a@x>")) == 16


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("12", ("12",)),
        ("Re: #12 and [13], (14); [#15]: 12", ("12", "13", "14", "15")),
        ("[12] fire", ("12",)),
        # Keys, dates, times, sums and words of others are no numbers of items.
        ("HELP-12 UTF-8 ISO-9001 2026-01-12 10:12 12.50 1,200.00", ()),
        ("12% v12 12th 0 007 12/13 A#12", ()),
        ("x" * 1000 + " 12", ()),
    ],
)
def test_bare_numbers(subject: str, numbers: tuple[str, ...]) -> None:
    assert numbers_in(subject) == numbers


def test_of_a_subject_with_many_keys_the_first_ten_count() -> None:
    subject = " ".join(f"HELP-{number}" for number in range(1, 120))
    assert keys_in(subject) == tuple(f"HELP-{number}" for number in range(1, 11))
