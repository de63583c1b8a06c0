"""Tests that texts of strangers neither act on the terminal nor hide characters in it."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable

import pytest

from services.cli.output import as_json, console, show_fields, show_json, show_table, show_texts
from services.cli.visible import clean, escaped, readable

# Marks that Arabic, Syriac and Kaithi show around a number, and what joins letters or emoji.
SHOWN = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
CASES = [
    # Moves the cursor, rings, begins a sequence in one character, returns.
    ("a\x1b[2Jb\x07\x9bc\r", "a�[2Jb��c�"),
    ("é\tü\n", "é\tü\n"),
    # Shows invoice.exe as a text file.
    ("invoice\u202etxt.exe", "invoice�txt.exe"),
    ("\u2066a\u2069 \u200fb \u061cc", "�a� �b �c"),
    # Addresses that look like another one.
    ("ad\u200bmin@example.org", "ad�min@example.org"),
    ("ad\u00admin\ufeff@\u2060example.org", "ad�min�@�example.org"),
    ("ad\u200dmin\u200c@example.org", "ad�min�@example.org"),
    ("\ufe0fad\ufe0fmin\U000e0101\ufe0e", "�ad�min��"),
    ("a\u3164b\u115fc\u034fd", "a�b�c�d"),
    # Line ends that are no line feed, and half of a surrogate pair, which cannot be printed.
    ("a\u2028b\u2029c\ud800", "a�b�c�"),
    # Instructions to programs in invisible letters.
    ("Hi\U000e0041\U000e0042", "Hi��"),
    # Joiners where they belong: a family, Persian, Sinhala; a keycap; a form of a Han name.
    ("👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥"),
    ("می\u200cخواهم ශ්\u200dරී", "می\u200cخواهم ශ්\u200dරී"),
    ("1\ufe0f\u20e3 葛\U000e0100", "1\ufe0f\u20e3 葛\U000e0100"),
]
BAD = "x\x1b]0;y\x07\x9b\u202e\u200bz"


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_characters_that_act_or_hide_are_replaced(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_all_characters_of_the_categories_are_replaced() -> None:
    passed = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and chr(point) not in "\n\t"
        and point not in SHOWN
        and clean(f"a{chr(point)}a") != "a�a"
    ]
    assert passed == []


def test_no_letter_is_replaced() -> None:
    letters = "".join(
        chr(point)
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point))[0] in "LNPS"
        and chr(point) not in "\u115f\u1160\u3164\uffa0"
    )
    assert clean(letters) == letters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Donau\u00addampf\u00adschiff\ufeff", "Donaudampfschiff"),
        ("\u034f\u200c\xa0\u034f\u200c\xa0Sale\u200b!", "\xa0\xa0Sale!"),
        ("می\u200cخواهم 👨\u200d👩", "می\u200cخواهم 👨\u200d👩"),
        ("a\x1b[2Jb \u202etxt", "a�[2Jb �txt"),
    ],
)
def test_fillers_are_left_out_of_bodies(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert readable(text) == shown
    show_texts([("New text", text)])
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_json_writes_them_as_escapes_and_keeps_them(text: str) -> None:
    written = as_json({text: [text]})
    assert clean(written) == written
    assert json.loads(written) == {text: [text]}


def test_json_names_the_character() -> None:
    assert escaped('"\x9b\U000e0041"') == '"\\u009b\\udb40\\udc41"'


@pytest.mark.parametrize(
    "show",
    [
        lambda: show_json({"a": BAD}),
        lambda: show_table(["A"], [[BAD], [[BAD]]], empty=""),
        lambda: show_fields([(BAD, BAD)]),
        lambda: show_texts([(BAD, BAD)]),
        lambda: console().print(BAD, markup=False),
        lambda: console().print(f"[bold]{BAD}[/bold]"),
    ],
)
def test_nothing_that_is_printed_acts_or_hides(
    show: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    show()
    printed = capsys.readouterr().out
    assert "z" in printed
    assert clean(printed) == printed


def test_columns_stay_even(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["A", "B"], [["x\u200by", "1"], ["xyz", "2"]], empty="")
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.index("1") == second.index("2")
