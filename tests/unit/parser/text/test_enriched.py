"""text/enriched and text/richtext."""

from __future__ import annotations

import pytest

from services.parser.text.enriched import enriched_to_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<bold>a</bold> b", "a b"),
        # RFC 1896, section 3: a single line end is a space, of several one is left out.
        ("a\nb\n\nc\n\n\nd", "a b\nc\n\nd"),
        ("<nofill>a\nb</nofill>", "a\nb"),
        ("<color><param>red</param>a</color>", "a"),
        ("1 << 2 > 3", "1 < 2 > 3"),
        ("a<nl>b <lt> c<paragraph>d</paragraph>", "a\nb < c" + "d\n\n"),
        ("a < b, <unclosed", "a < b, <unclosed"),
    ],
)
def test_enriched_text(source: str, text: str) -> None:
    assert enriched_to_text(source) == text
