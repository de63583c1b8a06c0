"""What a POP3 server sends arrives as it is, or as an error; over a pair of sockets."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from postrail.mailbox.pop3.dialogue import Dialogue, NotPop3, Refused

PARTS = st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"x", b"\0"]), max_size=40)


@contextlib.contextmanager
def dialogue_with(sent: bytes) -> Iterator[Dialogue]:
    """A dialogue with a server that has greeted, and sent all that it will."""
    ours, theirs = socket.socketpair()
    dialogue = Dialogue(ours)
    with contextlib.closing(theirs), contextlib.closing(dialogue):
        # It fits into the socket's buffer, so nobody has to read meanwhile.
        theirs.sendall(b"+OK\r\n" + sent)
        theirs.shutdown(socket.SHUT_WR)
        dialogue.greeting()
        yield dialogue


@given(PARTS)
def test_any_mail_comes_byte_by_byte(parts: list[bytes]) -> None:
    content = b"".join(parts) + b"\r\n"
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    with dialogue_with(b"+OK\r\n" + stuffed + b".\r\n+OK next\r\n") as dialogue:
        assert b"".join(dialogue.pieces("RETR 1")) == content
        # Nothing of it is left over.
        assert dialogue.ask("NOOP") == "+OK next"


@given(st.binary(max_size=60))
def test_any_answer_is_understood_or_an_error(answer: bytes) -> None:
    told = ""
    with dialogue_with(answer) as dialogue:
        try:
            told = dialogue.ask("NOOP")
            told += str(list(dialogue.pieces("RETR 1")))
        except (Refused, NotPop3, EOFError) as error:
            told = str(error)
    # It can be written to a log.
    assert told.encode()
