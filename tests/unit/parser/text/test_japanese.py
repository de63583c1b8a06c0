"""Japanese charsets with the vendors' characters."""

from __future__ import annotations

import pytest

from services.parser.text.decode import decode, decode_named


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"\x1b$B-!\x1b(B", "iso-2022-jp", "①"),
        (b"\x1b$B-j\x1b(B\n", "cp50220", "㈱\n"),
        # NEC's selection of IBM's characters: forms of letters in names.
        (b"\x1b$B|b66\x1b(B san", "iso-2022-jp", "髙橋 san"),
        # Katakana of half width, and a text in the first edition of the standard.
        (b"\x1b(IC=D\x1b(B", "iso-2022-jp", "ﾃｽﾄ"),
        (b"\x0eC=D\x0f 1", "iso-2022-jp", "ﾃｽﾄ 1"),
        (b"\x1b$@8}\x1b(J", "iso-2022-jp", "口"),
        # The escape sequences tell more than a wrong name or none.
        (b"\x1b$B8}\x1b(B", None, "口"),
        (b"\x1b$B8}\x1b(B", "us-ascii", "口"),
        (b"\x1b$B8}\x1b(B", "utf-8", "口"),
        (b"\x1b$B8}\x1b(B", "iso-8859-1", "口"),
        (b"\x1b$B8}\x1b(B", "shift_jis", "口"),
        (b"\xad\xa1\xcc\xd3", "euc-jp", "①毛"),
        (b"\x87\x40\xfb\xfc", "shift_jis", "①髙"),
        (b"1 \x1b[0m", None, "1 \x1b[0m"),
    ],
)
def test_japanese(data: bytes, label: str | None, text: str) -> None:
    assert decode(data, label) == text


def test_what_no_vendor_has_is_replaced_and_said_so() -> None:
    text = "口の鍵がありません。" * 3
    broken = decode_named(text.encode("euc_jp") + b"\xa9\xa1", "euc-jp")
    assert (broken.text, broken.has_replacements) == (f"{text}\ufffd", True)
    broken = decode_named(b"\x1b$B8})!\x1b(B", "iso-2022-jp")
    assert (broken.text, broken.has_replacements) == ("口\ufffd", True)
