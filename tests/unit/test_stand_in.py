"""Stand-ins of Exchange are told from messages, in each language and by each protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.stand_in import BYTES_MAX, StandIn, read_stand_in
from services.parser.parse import parse
from services.parser.report import report
from tests.fakes.exchange import LANGUAGES, stand_in

STAND_IN = stand_in()
NAMED = StandIn(subject="Broken lamp", sender="ann@customer.example")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("protocol", ["IMAP4", "POP3"])
@pytest.mark.parametrize(
    "server",
    [
        "Microsoft Exchange Server",
        '"Microsoft Exchange Server 2007" <>',
        "Microsoft Exchange Server 2019 <postmaster@mail.example>",
    ],
)
def test_a_stand_in_is_recognized_in_each_form(language: str, protocol: str, server: str) -> None:
    made = stand_in(
        3,
        wording=LANGUAGES[language],
        protocol=protocol,
        server=server,
        sender="ann@customer.example",
    )
    assert read_stand_in(made) == NAMED
    found = report(parse(made))
    assert (found["kind"], found["is_bulk"]) == ("stand_in", True)


def test_a_sender_that_the_stand_in_does_not_name_is_left_out() -> None:
    assert read_stand_in(STAND_IN) == StandIn(subject="Broken lamp", sender="")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # A person sends it on, or writes about it.
        (
            b"Exchange Server 2010",
            b"Exchange Admin <ann@b.example>\r\nMessage-ID: <1@b.example>",
        ),
        (b"Microsoft Exchange Server 2010", b"Ann Berg"),
        # It was sent by mail, for example by a monitor that watches Exchange.
        (b"To: ", b"Received: by b.example; Thu, 5 May 2026 08:15:00 +0000\r\nTo: "),
        (b"To: ", b"Message-ID: <1@b.example>\r\nTo: "),
        # Another notice of the server.
        (b"the IMAP4 protocol", b"the address book"),
    ],
)
def test_other_messages_are_none(old: bytes, new: bytes) -> None:
    message = STAND_IN.replace(old, new)
    assert message != STAND_IN
    assert read_stand_in(message) is None
    assert parse(message).kind.name != "stand_in"


def test_an_announcement_by_administrators_is_none() -> None:
    head = b"From: Microsoft Exchange Admin <ann@b.example>\nSubject: IMAP4 will be switched off\n"
    assert read_stand_in(head + b"\ntext") is None


@given(st.binary(max_size=300), st.integers(0, len(STAND_IN)))
def test_any_bytes_are_read(rubbish: bytes, at: int) -> None:
    read_stand_in(STAND_IN[:at] + rubbish + STAND_IN[at:])
    read_stand_in(b"From: Microsoft Exchange\nSubject: IMAP4\n" + rubbish)


@pytest.mark.parametrize(
    "word", [b"=?is\xff?q?a?=", b"=?utf-9?q?a?=", b"=?utf-8?b?a?=", b"=?utf-16?q?a?=", b"\xff"]
)
def test_a_broken_encoded_word_is_left_as_it_is(word: bytes) -> None:
    head = b"From: Microsoft Exchange %b\nSubject: IMAP4 %b\n\n" % (word, word)
    assert read_stand_in(head + b'A: "b"') == StandIn("b", "")


def test_a_long_message_that_begins_so_is_read_as_far_as_a_stand_in_may_reach() -> None:
    text = b"From: Microsoft Exchange\nSubject: IMAP4\n\n" + b'A: "b"\n' * BYTES_MAX
    assert read_stand_in(text) == StandIn(subject="b", sender="")
