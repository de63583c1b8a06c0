"""Decoding of header values."""

from __future__ import annotations

import pytest

from services.parser.mime.headers import decode_value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", "plain"),
        ("folded\r\n  over lines", "folded over lines"),
        ("=?utf-8?q?a_b=3F?=", "a b?"),
        ("=?UTF-8*en?B?w6Q=?=", "ä"),
        # RFC 2047, 6.2: only the space between two encoded words is ignored.
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        # A character split between two words, which RFC 2047 forbids but mailers do.
        ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=A4?=", "ä"),
        ("=?utf-8?b?w6Q?=", "ä"),  # Without padding.
        ("=?no-such?q?=E4?=", "ä"),
        ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
        ("=?utf-8?q?what? yes?=", "what? yes"),
        ("=?utf-8?q?line=0D=0ABcc: x?=", "line Bcc: x"),  # Line ends are removed.
        ("\udcc3\udca4", "ä"),  # Raw UTF-8 (RFC 6532).
        ("\udce4", "ä"),
        ("a\x00b", "a b"),
        # One word of several is in UTF-8, under the others' name.
        ("=?iso-8859-1?q?T=FCr_?= =?iso-8859-1?q?=C3=B6ffnen?=", "Tür öffnen"),
        ("=?iso-8859-1?q?=C3=9Cber_?= =?iso-8859-1?q?a?= =?iso-8859-1?q?_T=FCr?=", "Über a Tür"),
        ("=?koi8-r?b?8NLJ18XUIA==?= =?koi8-r?b?0LTQvtC8?=", "Привет дом"),
        # Two in UTF-8 within a letter, under another name, and a third one.
        ("=?cp1252?q?T=C3?= =?cp1252?q?=BCr_?= =?cp1252?q?=C3=B6ff?=", "Tür öff"),
        ("=?gb2312?b?xOM=?= =?gb2312?b?usM=?= =?gb2312?q?a?=", "你好a"),
        # A character of two bytes in two words.
        ("=?gb2312?q?a?= =?gb2312?q?=C4?= =?gb2312?q?=E3=BA=C3?=", "a你好"),
    ],
)
def test_values(raw: str, value: str) -> None:
    assert decode_value(raw) == value


def test_a_value_of_openings_only_takes_linear_time() -> None:
    assert decode_value("=?a?q?" * 20_000).startswith("=?a?q?")
