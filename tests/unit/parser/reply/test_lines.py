"""Comparable lines, and the ends of attributions in them."""

from __future__ import annotations

import pytest

from services.parser.reply.attribution import mark_attribution_ends
from services.parser.reply.attribution_words import DATE
from services.parser.reply.lines import APOSTROPHE, PLAIN, Line, bare, read_lines


@pytest.mark.parametrize("code", PLAIN)
def test_characters_to_be_replaced_are_detected_before_translating(code: int) -> None:
    """Requires that `bare` translates lines with these characters, and no others."""
    assert chr(code) == APOSTROPHE or not chr(code).isprintable()
    assert bare(f"é{chr(code)}x") == f"é{PLAIN[code] or ''}x"


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        # The nearest line that may end one counts for each line above it.
        ("a\nb:\nc", [1, 1, None]),
        # Four lines at most.
        ("a\nb\nc\nd\ne:", [None, 4, 4, 4, 4]),
        # Not beyond the paragraph.
        ("a\n\nb:", [None, None, 2]),
        # Not across lines of another quotation depth.
        ("a\n> b:\n> c", [None, 1, None]),
        # A verb, or an address before a quotation.
        ("On Monday Jo\nwrote", [1, 1]),
        ("Jo\n<jo@desk.example>\n> old", [1, 1, None]),
        ("Jo\n<jo@desk.example>\nold", [None, None, None]),
    ],
)
def test_each_line_notes_where_its_attribution_may_end(text: str, ends: list[int | None]) -> None:
    lines = read_lines(text)
    mark_attribution_ends(lines)
    assert [line.attribution_end for line in lines] == ends


def test_ends_are_updated_when_bars_become_quotation_marks() -> None:
    lines = [Line("a", 0, "a"), Line("| b:", 0, "| b:")]
    mark_attribution_ends(lines)
    assert lines[0].attribution_end == 1
    lines[1].depth = 1
    mark_attribution_ends(lines)
    assert lines[0].attribution_end is None


@pytest.mark.parametrize(
    ("text", "dated"),
    [
        ("at 9:05", True),
        ("10h30", True),
        ("10時30分", True),
        ("6.5.24", True),
        ("2024-05-06", True),
        ("2024年5月", True),
        ("in 1999", True),
        ("of 2024.", True),
        # Digits within a word or a longer number are not a year.
        ("x2024", False),
        ("120245", False),
        ("1899", False),
        ("order 4711", False),
        ("", False),
    ],
)
def test_dates(text: str, dated: bool) -> None:
    assert (DATE.search(text) is not None) == dated
