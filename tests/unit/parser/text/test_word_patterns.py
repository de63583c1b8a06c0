"""Patterns of words."""

from __future__ import annotations

import pytest

from services.parser.text.word_patterns import Words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Words consist of letters of any script, digits and underscores.
        ("no größe_1 таблица fits", "no größe_1 таблица fits"),
        # Case is ignored, also beyond ASCII.
        ("NO GRÖSSE FITS", "NO GRÖSSE FITS"),
        # ASCII punctuation ends a word.
        ("no size, it fits", ""),
        ("no fits", "no fits"),
    ],
)
def test_words_may_be_in_any_script(text: str, found: str) -> None:
    assert Words(r"no (?:\w+ ){0,2}fits").search(text) == found


def test_matches_are_returned_unchanged() -> None:
    assert Words("ist verreist").search("Grüße — Jo IST Verreist…") == "IST Verreist"
    assert Words("größe").match("GRÖßE: 1")
    assert not Words("größe").match("die Größe")
