"""Transfer encodings: chunks of any size give the same bytes."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from services.parser.mime import raw_bytes as view
from services.parser.mime.transfer import Encoded, lenient_base64, plain

# Sequences that are special in one of the encodings, and ordinary ones.
PIECES = [
    b"=",
    b"==",
    b"=4",
    b"=41",
    b"=\n",
    b"=\r\n",
    b"=\r",
    b"\n",
    b"\r",
    b"Z",
    b"A",
    b"4",
    b" ",
]


@seed(4)
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.integers(1, 20))
def test_quoted_printable_in_pieces_is_quoted_printable(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    assert in_pieces(data, "quoted-printable", size) == binascii.a2b_qp(data)


@seed(4)
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 20), st.sampled_from([b"", b"\r\n", b" - "]))
def test_base64_in_pieces_is_base64(content: bytes, size: int, junk: bytes) -> None:
    data = junk.join(base64.b64encode(content)[at : at + 7] for at in range(0, 80, 7))
    assert in_pieces(data, "base64", size) == content


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"dGV4dA", b"text"),
        # A single letter is less than a byte.
        (b"dGV4dAx", b"text\x0c"),
        (b"dGV4d", b"tex"),
        (b"d!G\xffV 4\r\ndA=", b"text"),
        (b"", b""),
        (b"=", b""),
    ],
)
def test_broken_base64_is_decoded_as_far_as_possible(data: bytes, content: bytes) -> None:
    assert lenient_base64(data) == content


@pytest.mark.parametrize("size", [100, 10_000])
def test_uuencode_in_pieces_is_uuencode(size: int) -> None:
    content = bytes(range(256)) * 40
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    data = b"begin 644 a.bin\n" + b"".join(lines) + b"`\nend\nbelow"
    assert in_pieces(data, "x-uuencode", size) == content


def test_an_unknown_encoding_changes_nothing() -> None:
    assert in_pieces(b"=41", "8bit", 2) == b"=41"


def test_the_beginning_is_read_without_the_rest() -> None:
    source = Encoded(b"QUJDRA==", 0, 8, "base64")
    assert [source.first(size) for size in (0, 2, 9)] == [b"", b"AB", b"ABCD"]
    assert plain(b"text").read() == b"text"


def in_pieces(data: bytes, encoding: str, size: int) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view, "CHUNK", size)
        # Between other bytes, so that it must end with its part.
        return Encoded(b"=\n" + data + b"A\n", 2, 2 + len(data), encoding).read()
