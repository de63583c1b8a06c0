"""The lines of a text: a text in, lines with their quotation depth and comparable form out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Longer lines are prose; the headings of mail programs are shorter.
COMPARED_MAX = 400
BROKEN_MAX = 40
# An address may be wrapped into at most this many lines.
ADDRESS_LINES = 6
# Direction marks and zero-width characters.
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), 0xFEFF, *range(0x202A, 0x202F)], None)
_INVISIBLE |= dict.fromkeys([*range(0x2060, 0x2065), *range(0x2066, 0x206A)], None)
APOSTROPHE = "\u2019"
INITIALS = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f]{1,3}>")
# The initials of a person before each line of a quotation without a heading: "BK> ", "JvB>> ".
PERSON = re.compile(
    "([A-Z\u00c0-\u00de\u0400-\u042f][^\\W\\d_]{0,2})>(?:[> ]|$|(?<=\\w\\w>)[^\\W\\d_])"
)
# Programs that ask for input in the same form.
PROMPTS = frozenset(
    re.findall(
        r"\w+",
        "SQL PS CMD DOS IRB GDB FTP CLI TCL CQL PRY SSH DB OS IOS ED MDB RAC CPU RAM KEY TAG TD TR"
        " TH LI UL OL BR HR DIV IN OUT GO EX VM PIP AWS GPG REM RUN BIN ROM PC VAX TSO ISE",
    )
)
# Other marks before quoted lines.
BARS = ("|", "\u2502", "\u2503", "\u00a6", "\u00bb", "\u203a", "\u276f")
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
    # Whether a rule of HTML is drawn above it.
    ruled: bool = False
    # Whether it is in an element that a program marked as a signature.
    signs: bool = False
    # Whether it continues the line above it, in the same line of the text.
    joined: bool = False
    # The last line of the attribution that may begin here.
    attribution_end: int | None = None
    # Whether one of the next lines may be the last piece of an attribution.
    pieces_end: bool = False


def read_lines(text: str) -> list[Line]:
    """Splits a plain text into lines."""
    lines: list[Line] = []
    for raw in text.split("\n"):
        line = Line(raw, *read_quote_marks(raw))
        if line.depth and _closes_address(lines[-ADDRESS_LINES:], line):
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


def _closes_address(above: Sequence[Line], line: Line) -> bool:
    """Recognizes the ">" of an address before which a program wrapped an attribution."""
    ends = (
        line.bare.endswith((":", "\uff1a")) if line.bare else bool(above and "@" in above[-1].text)
    )
    if not ends or len(line.bare) > BROKEN_MAX:
        return False
    closed = 0
    for before in reversed(above):
        if before.depth or len(before.text) > COMPARED_MAX:
            return False
        for sign in reversed(before.text):
            closed += (sign == ">") - (sign == "<")
            if closed < 0:
                return True
    return False


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
    if bare.startswith(BARS):
        return "bar"
    # The Bat! writes the author's initials. As a prompt has this form, too, callers check that it
    # follows a heading.
    return "initials" if INITIALS.match(bare) else ""


def is_marked_by_initials(line: Line) -> bool:
    """Tells whether `mark_initials` could take this line for quoted."""
    found = PERSON.match(line.bare) if ">" in line.bare[1:4] else None
    return found is not None and found.group(1) not in PROMPTS


def mark_initials(lines: Sequence[Line]) -> None:
    """Marks lines as quoted that begin with the same initials of a person, if there are several."""
    marked = [line for line in lines if not line.depth and is_marked_by_initials(line)]
    counts = Counter(line.bare.partition(">")[0] for line in marked)
    for line in marked:
        line.depth = int(counts[line.bare.partition(">")[0]] > 1)


def fold(text: str) -> str:
    """Folds case for comparison, without the dot that folding leaves of the Turkish "İ"."""
    return text.casefold() if text.isascii() else text.casefold().replace("\u0307", "")


def is_rule(line: str) -> bool:
    """Tells whether a bare line is a drawn rule."""
    return len(line) >= 3 and not line.strip(RULED)
