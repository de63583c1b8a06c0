"""Decoding of text by its charset."""

from __future__ import annotations

import pytest

from services.parser.text.decode import cut, decode, decode_named, storable


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


@pytest.mark.parametrize(("data", "name"), [(b"x", "us-ascii"), (b"\xc3\xa4", "us-ascii as utf-8")])
def test_only_a_charset_that_differs_is_named_beside_the_declared_one(
    data: bytes, name: str
) -> None:
    assert decode_named(data, "US-ASCII").charset == name


@pytest.mark.parametrize("charset", ["iso-8859-1", "cp1252", "koi8-r", "gb2312", "shift_jis"])
@pytest.mark.parametrize("end", ["ö", "“", "😀", "語"])
@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n"])
def test_utf_8_under_another_name_that_was_cut_off(charset: str, end: str, line_end: bytes) -> None:
    text = "Türen, Schlösser und Schlüssel für Gäste, größer: "
    for cut_at in range(1, len(end.encode())):
        found = decode_named((text * 2 + end).encode()[:-cut_at] + line_end, charset)
        assert found.text == f"{text * 2}\ufffd{line_end.decode()}"
        assert found.has_replacements


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Menü für Gäste aus Köln: größere Tür, später schön, ähnlich wie Ö", "cp1252"),
        ("Se não é possível, então não. Ação, emoção, ligação, coração, CAÇÃ", "cp1252"),
        ("Łódź ĂăÂâ", "iso8859_2"),
        ("Принтер не печатает", "cp1251"),
        ("请修理三楼的打印机", "gb18030"),
    ],
)
def test_texts_that_end_like_utf_8_that_was_cut_off(text: str, charset: str) -> None:
    assert decode(text.encode(charset), charset) == text


def test_text_is_storable_and_cut_between_characters() -> None:
    assert storable("a\x00\ud800b\ud83d\ude00") == "a\ufffdb😀"
    assert cut("ääää", 5) == "ää"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_shows_utf_16(codec: str) -> None:
    data = "\ufeffDer Drucker\r\nist leer".encode(codec)
    assert decode(data, None) == "Der Drucker\r\nist leer"


def test_text_that_begins_like_a_mark_is_no_utf_16() -> None:
    assert "<bo@customer.example>" in decode(b"\xff\xfe\x80 Caf\xe9 <bo@customer.example> ", None)
    assert "Drucker" in decode(b"\xfe\xff Der Drucker ist leer.", "koi8-r")
