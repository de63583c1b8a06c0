"""Decoding of text by its charset."""

from __future__ import annotations

import pytest

from services.parser.text.decode import cut, decode, storable


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"\xc3\xa4", "utf-8", "ä"),
        (b"\xe4", "utf-8", "ä"),
        (b"\xe4", None, "ä"),
        (b"\x93x\x94", "iso-8859-1", "“x”"),
        (b"\xc3\xa4", "us-ascii", "ä"),
        (b"x", "unicode_escape", "x"),
        (b"x", "hex", "x"),
        (b"x", "\x00", "x"),
        (b"x", "no" * 1000, "x"),
        # A long text with one broken character keeps its declared charset.
        ("ä".encode() * 50 + b"\xff", "utf-8", "ä" * 50 + "\ufffd"),
    ],
)
def test_charsets(data: bytes, charset: str | None, text: str) -> None:
    assert decode(data, charset) == text


def test_text_is_storable_and_cut_between_characters() -> None:
    assert storable("a\x00\ud800b\ud83d\ude00") == "a\ufffdb😀"
    assert cut("ääää", 5) == "ää"
