"""Tests the bytes that follow DATA, and the words that are kept of a server's reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.courier.smtp_dialogue import dot_stuffed
from postrail.courier.smtp_words import REPLY_MAX_CHARACTERS, clean_words


@pytest.mark.parametrize(
    ("content", "written"),
    [
        # Unchanged.
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        # A dot at the start of a line, of the message and alone.
        (b".a\r\n.\r\n..b\r\n", b"..a\r\n..\r\n...b\r\n"),
        # Two lines that start with dots right after each other.
        (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n"),
        # Bare CR and LF become CRLF before dots are doubled.
        (b"a\n.\nb\r.\rc", b"a\r\n..\r\nb\r\n..\r\nc\r\n"),
        # An empty message is one empty line.
        (b"", b"\r\n"),
        # The last line is ended.
        (b"a", b"a\r\n"),
    ],
)
def test_dot_stuffing(content: bytes, written: bytes) -> None:
    assert dot_stuffed(content) == written


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n"])).map(b"".join))
def test_no_message_can_end_itself(content: bytes) -> None:
    written = dot_stuffed(content)

    assert b"\r\n.\r\n" not in b"\r\n" + written
    assert written.endswith(b"\r\n")
    assert written.count(b"\r\n") == written.count(b"\r") == written.count(b"\n")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        # Several lines become one.
        ("5.1.1 no such user\n5.1.1 really", "5.1.1 no such user 5.1.1 really"),
        # Bytes outside of UTF-8 come as lone surrogates, which PostgreSQL rejects.
        ("caf\udce9 \x00full", "caf\ufffd full"),
    ],
)
def test_words(words: str, kept: str) -> None:
    assert clean_words(words) == kept


def test_words_are_bounded() -> None:
    assert len(clean_words("x" * 10_000)) == REPLY_MAX_CHARACTERS
