"""Messages from a POP3 server arrive unchanged, or end in an error; over a pair of sockets."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.mailbox.pop3 import dialogue as dialogue_module
from postrail.mailbox.pop3 import retrieval as reading
from postrail.mailbox.pop3.dialogue import Dialogue, NotPop3, Refused

PARTS = st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"x", b"\0"]), max_size=40)


@contextlib.contextmanager
def dialogue_with(sent: bytes) -> Iterator[Dialogue]:
    """Returns a dialogue with a server that has sent its greeting and all answers."""
    ours, theirs = socket.socketpair()
    dialogue = Dialogue(ours)
    with contextlib.closing(theirs), contextlib.closing(dialogue):
        # It fits into the socket's buffer, so it can be sent before it is read.
        theirs.sendall(b"+OK\r\n" + sent)
        theirs.shutdown(socket.SHUT_WR)
        dialogue.greeting()
        yield dialogue


@given(PARTS)
def test_any_message_arrives_unchanged(parts: list[bytes]) -> None:
    content = b"".join(parts) + b"\r\n"
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    with dialogue_with(b"+OK\r\n" + stuffed + b".\r\n+OK next\r\n") as dialogue:
        assert b"".join(dialogue.chunks("RETR 1")) == content
        # No part of it is left over.
        assert dialogue.ask("NOOP") == "+OK next"


@given(st.binary(max_size=60))
def test_any_answer_is_understood_or_raises(answer: bytes) -> None:
    told = ""
    with dialogue_with(answer) as dialogue:
        try:
            told = dialogue.ask("NOOP")
            told += str(list(dialogue.chunks("RETR 1")))
        except (Refused, NotPop3, EOFError) as error:
            told = str(error)
    # The error can be written to a log.
    assert told.encode()


@given(PARTS)
def test_a_long_line_in_parts_arrives_unchanged(parts: list[bytes]) -> None:
    """The parts may begin within the end of a line, or at a dot within a line."""
    content = b"".join(parts) + b"\r\n"
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    with (
        mock.patch.object(dialogue_module, "LONGEST_PART", 4),
        dialogue_with(b"+OK\r\n" + stuffed + b".\r\n+OK next\r\n") as dialogue,
    ):
        lines = list(dialogue.lines("RETR 1"))
        assert b"".join(lines) == content
        assert max(map(len, lines)) <= 4
        assert dialogue.ask("NOOP") == "+OK next"


def test_a_listing_without_end_raises() -> None:
    with (
        mock.patch.object(dialogue_module, "LONGEST_LISTING", 20),
        dialogue_with(b"+OK\r\n" + b"1 id\r\n" * 100) as dialogue,
        pytest.raises(NotPop3, match="more than 20 bytes to UIDL"),
    ):
        list(dialogue.listing("UIDL"))


def test_a_header_without_end_is_cut_at_one_mib() -> None:
    # 1 MiB does not fit into the socket's buffer, so the limit is lowered.
    with (
        mock.patch.object(dialogue_module, "CHUNK_BYTES", 100),
        dialogue_with(b"+OK\r\n" + b"A: b\r\n" * 100 + b".\r\n+OK next\r\n") as dialogue,
    ):
        assert len(reading.header(dialogue, 1)) <= 106
        assert dialogue.ask("NOOP") == "+OK next"
