"""The lines of a text: a text in, lines with their quotation depth and comparable form out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# Longer lines are prose; the headings of mail programs are shorter.
COMPARED_MAX = 400
BROKEN_MAX = 40
INITIALS_MIN = 2
# An address may be wrapped into at most this many lines.
ADDRESS_LINES = 6
# Direction marks and zero-width characters.
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), 0xFEFF, *range(0x202A, 0x202F)], None)
_INVISIBLE |= dict.fromkeys([*range(0x2060, 0x2065), *range(0x2066, 0x206A)], None)
APOSTROPHE = "\u2019"
INITIALS = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f]{1,3}>")
# The initials of a person before each line of a quotation without a heading: "BK> ", "JvB>> ".
PERSON = re.compile(r"([^\W\d_]{1,4})>(?:[> ]|$|(?<=\w\w>)[^\W\d_])")
# Their quotations have sentences; the commands behind a prompt, which has the same form, have not:
# a letter before a full stop or question mark at the end, or four words that begin with a capital.
SENTENCE = re.compile(
    r"[^\W_][.?!\u2026]+[\"')\u201d\u00bb]?$|[\u3002\uff01\uff1f]"
    r"|>\s?[^\W\d_a-z][^\W\d_A-Z]*+ (?:[^\W\d_]++,? ){2}[^\W\d_]"
)
# The colon, and its wide form in East Asian texts.
COLONS = ":\uff1a"
# Other marks before quoted lines.
BARS = frozenset("|\u2502\u2503\u00a6\u00bb\u203a\u276f")
DECORATION = "* \t\r\n\f\v"
RULED = "-_=*#~+\u2013\u2014\u2500 "
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
    quoted = False
    for raw in text.split("\n"):
        line = Line(raw, *read_quote_marks(raw, lines))
        quoted = quoted or bool(line.depth and line.bare)
        lines.append(line)
    if not quoted:
        for line in lines:
            line.depth = 0
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


def _is_unquoted(above: Sequence[Line], text: str, after: str) -> bool:
    """Recognizes ">" that does not mark a quotation: in GroupWise's attributions, and in addresses.

    Programs wrap an attribution before the ">" of its address.
    """
    if text.startswith(">>> ") and after.endswith(" >>>"):
        return True
    if after.strip(")"):
        ends = after.endswith((":", "\uff1a"))
    else:
        ends = "@" in next((before.text for before in reversed(above) if before.bare), "")
    if not ends or len(after) > BROKEN_MAX:
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


def read_quote_marks(text: str, above: Sequence[Line]) -> tuple[int, str]:
    """Returns the number of quotation marks before a line, and the bare line after them.

    A ">" that marks no quotation does not count, as the lines above show.
    """
    marks, after = _leading_marks(text)
    if marks and _is_unquoted(above[-ADDRESS_LINES:], text, after):
        return 0, bare(text)
    return marks, after


def _leading_marks(text: str) -> tuple[int, str]:
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
    if bare[:1] in BARS:
        return "bar"
    # The Bat! writes the author's initials. As a prompt has this form, too, callers check that it
    # follows a heading.
    return "initials" if INITIALS.match(bare) else ""


def is_marked_by_initials(line: Line) -> bool:
    """Tells whether `mark_initials` could take this line for quoted."""
    found = PERSON.match(line.bare) if ">" in line.bare[1:5] else None
    if found is None:
        return False
    name = found.group(1)
    # "C>" and "test>" are prompts.
    return len(name) == 2 or (len(name) > 2 and not name.islower())


def mark_initials(lines: Sequence[Line]) -> None:
    """Marks lines as quoted that begin with the same initials of a person, if there are several.

    Different initials in turn are a conversation; a colon above the first announces an example.
    """
    marked = [
        index
        for index, line in enumerate(lines)
        if ">" in line.bare[1:5] and not line.depth and is_marked_by_initials(line)
    ]
    if not marked:
        return
    names = [lines[index].bare.partition(">")[0] for index in marked]
    above = next((line.bare for line in reversed(lines[: marked[0]]) if line.bare), "")
    counts = Counter(names)
    if f'"{names[0]}" ==' in above[:BROKEN_MAX]:
        # Gnus names the author: '>>>>> "BK" == Bo Kim <bo@desk.example> writes:'.
        counts[names[0]] += INITIALS_MIN
    elif not _are_persons(names, above) or not any(
        SENTENCE.search(lines[index].bare) for index in marked
    ):
        return
    for index, name in zip(marked, names, strict=True):
        lines[index].depth = int(counts[name] >= INITIALS_MIN)


def _are_persons(names: Sequence[str], above: str) -> bool:
    """Tells the initials of persons from a conversation, and from an example."""
    changes = sum(1 for before, name in pairwise(names) if before != name)
    announced = above.endswith((":", "\uff1a")) and not any(map(str.isdigit, above))
    return changes < INITIALS_MIN and not announced


def fold(text: str) -> str:
    """Folds case for comparison, without the dot that folding leaves of the Turkish "İ"."""
    return text.casefold() if text.isascii() else text.casefold().replace("\u0307", "")


def is_rule(line: str) -> bool:
    """Tells whether a bare line is a drawn rule."""
    return len(line) >= 3 and not line.strip(RULED)
