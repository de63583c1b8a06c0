"""The lines of a text: a text in, lines with their quotation depth and comparable form out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Longer lines are prose; the headings of mail programs are shorter.
COMPARED_MAX = 400
BROKEN_MAX = 40
# Direction marks and zero-width characters.
_INVISIBLE = dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F)], None)
_INVISIBLE |= dict.fromkeys(range(0x2066, 0x206A), None)
APOSTROPHE = "\u2019"
INITIALS = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f]{1,3}>")
DECORATION = "* \t\r\n\f\v"
RULED = "-_=*#~\u2013\u2014\u2500 "
PLAIN: dict[int, str | None] = {
    **_INVISIBLE,
    0xA0: " ",
    0x202F: " ",
    0x3000: " ",
    0x2007: " ",
    ord(APOSTROPHE): "'",
}


@dataclass(slots=True)
class Line:
    """A line. `bare` is its text without quotation marks, bold marks and direction marks."""

    text: str
    depth: int
    bare: str
    # Whether the HTML element of a quotation begins with it.
    opens: bool = False
    # Whether its only mark is an element that is also used to indent.
    weak: bool = False
    # The last line of the attribution that may begin here.
    attribution_end: int | None = None


def read_lines(text: str) -> list[Line]:
    """Splits a plain text into lines."""
    lines: list[Line] = []
    for raw in text.split("\n"):
        line = Line(raw, *read_quote_marks(raw))
        if line.depth and lines and _closes_address(lines[-1], line):
            line = Line(raw, 0, bare(raw))
        lines.append(line)
    return lines


def bare(text: str) -> str:
    """Returns the text without decoration, truncated to a comparable length."""
    text = text[: COMPARED_MAX + 1]
    if not text.isascii():
        # Translating is slow, and the apostrophe is the only printable character that it replaces.
        if APOSTROPHE in text or not text.isprintable():
            text = text.translate(PLAIN)
        text = unicodedata.normalize("NFC", text).strip()
    return text.strip(DECORATION)


def _closes_address(before: Line, line: Line) -> bool:
    """Recognizes the ">" of an address before which Gmail wrapped an attribution."""
    opened = before.text.rfind("<")
    if before.depth or opened < 0 or before.text.find(">", opened) >= 0:
        return False
    return len(line.bare) <= BROKEN_MAX and line.bare.endswith((":", "\uff1a"))


def read_quote_marks(text: str) -> tuple[int, str]:
    """Returns the number of quotation marks before a line, and the bare line after them."""
    start = text.lstrip()
    if start[:1] != ">":
        return 0, bare(start) if start else ""
    depth = end = 0
    for end, letter in enumerate(start):  # noqa: B007 (the end of the marks is used below)
        if letter == ">":
            depth += 1
        elif letter not in " \t":
            break
    else:
        end = len(start)
    return depth, bare(start[end : end + COMPARED_MAX + 1])


def other_quote_mark(bare: str) -> str:
    """Returns the kind of quotation mark, other than ">", before a line, or ""."""
    if bare.startswith("|"):
        return "bar"
    # The Bat! writes the author's initials. As a prompt has this form, too, callers check that it
    # follows a heading.
    return "initials" if INITIALS.match(bare) else ""


def fold(text: str) -> str:
    """Folds case for comparison, without the dot that folding leaves of the Turkish "İ"."""
    return text.casefold() if text.isascii() else text.casefold().replace("\u0307", "")


def is_rule(line: str) -> bool:
    """Tells whether a bare line is a drawn rule."""
    return len(line) >= 3 and not line.strip(RULED)
