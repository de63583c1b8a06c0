"""The lines of a text, each with how deep it is quoted and in the form in which it is compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Longer lines are text: no mail program writes a heading of that length.
COMPARED_MAX = 400
BROKEN_MAX = 40
# Marks of direction, zero-width marks, and spaces of other widths.
_MARKS = dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F)], None)
_MARKS |= dict.fromkeys(range(0x2066, 0x206A), None)
APOSTROPHE = "\u2019"
INITIALS = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f]{1,3}>")
DECORATION = "* \t\r\n\f\v"
RULED = "-_=*#~\u2013\u2014\u2500 "
PLAIN: dict[int, str | None] = {
    **_MARKS,
    0xA0: " ",
    0x202F: " ",
    0x3000: " ",
    0x2007: " ",
    ord(APOSTROPHE): "'",
}


@dataclass(slots=True)
class Line:
    """One line. `bare` is it without quotation marks, bold marks and marks of direction."""

    text: str
    depth: int
    bare: str
    # Whether the HTML element of a quotation begins with it.
    opens: bool = False
    # Whether it is set apart only as text may be that is not quoted.
    weak: bool = False
    # The line that ends the attribution which may begin with it.
    end: int | None = None


def read_lines(text: str) -> list[Line]:
    """The lines of a plain text."""
    lines: list[Line] = []
    for raw in text.split("\n"):
        line = Line(raw, *read_marks(raw))
        if line.depth and lines and _closes_address(lines[-1], line):
            line = Line(raw, 0, bare(raw))
        lines.append(line)
    return lines


def bare(text: str) -> str:
    """The text as it is compared: without what only decorates it, and not too much of it."""
    text = text[: COMPARED_MAX + 1]
    if not text.isascii():
        # Translating takes long, and of what it replaces only the apostrophe can be printed.
        if APOSTROPHE in text or not text.isprintable():
            text = text.translate(PLAIN)
        text = unicodedata.normalize("NFC", text).strip()
    return text.strip(DECORATION)


def _closes_address(before: Line, line: Line) -> bool:
    """Gmail breaks an attribution before the ">" of its address, which then looks like a mark."""
    opened = before.text.rfind("<")
    if before.depth or opened < 0 or before.text.find(">", opened) >= 0:
        return False
    return len(line.bare) <= BROKEN_MAX and line.bare.endswith((":", "\uff1a"))


def read_marks(text: str) -> tuple[int, str]:
    """How many quotation marks stand before a line, and the line without them, bare."""
    start = text.lstrip()
    if start[:1] != ">":
        return 0, bare(start) if start else ""
    depth = end = 0
    for end, letter in enumerate(start):  # noqa: B007 (how far the marks reach is used below)
        if letter == ">":
            depth += 1
        elif letter not in " \t":
            break
    else:
        end = len(start)
    return depth, bare(start[end : end + COMPARED_MAX + 1])


def other_mark(bare: str) -> str:
    """The kind of mark, other than ">", that some programs put before what they quote, or ""."""
    if bare.startswith("|"):
        return "bar"
    # The Bat! writes the initials of who is quoted. A prompt looks so too: only after a heading.
    return "initials" if INITIALS.match(bare) else ""


def fold(text: str) -> str:
    """The text as words are compared. Turkish "İ" leaves a dot above where it is made small."""
    return text.casefold() if text.isascii() else text.casefold().replace("\u0307", "")


def is_rule(line: str) -> bool:
    """Whether a bare line is a drawn rule."""
    return len(line) >= 3 and not line.strip(RULED)
