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
    ],
)
def test_values(raw: str, value: str) -> None:
    assert decode_value(raw) == value


def test_a_value_of_openings_only_takes_linear_time() -> None:
    assert decode_value("=?a?q?" * 20_000).startswith("=?a?q?")
