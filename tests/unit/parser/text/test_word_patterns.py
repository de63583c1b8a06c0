"""Patterns of words, as RE2 compiles them."""

from __future__ import annotations

import pytest

from services.parser.text.word_patterns import Words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # A letter of any script, a digit and the underscore are of a word.
        ("no größe_1 таблица fits", "no größe_1 таблица fits"),
        # Without case, also beyond ASCII.
        ("NO GRÖSSE FITS", "NO GRÖSSE FITS"),
        # A sign of ASCII ends a word.
        ("no size, it fits", ""),
        ("no fits", "no fits"),
    ],
)
def test_words_are_of_any_script(text: str, found: str) -> None:
    assert Words(r"no (?:\w+ ){0,2}fits").search(text) == found


def test_what_is_found_is_given_as_it_stands_there() -> None:
    assert Words("ist verreist").search("Grüße — Jo IST Verreist…") == "IST Verreist"
    assert Words("größe").match("GRÖßE: 1")
    assert not Words("größe").match("die Größe")
