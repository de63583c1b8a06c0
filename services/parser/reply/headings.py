"""Headings of quotations and forwarded messages: lines in, the heading at a line out.

They are header blocks, titles such as "Original message", and attributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from services.parser.reply.attribution import attribution_at, scattered_attribution_at
from services.parser.reply.attribution_words import ADDRESS, CLOCK, DATE
from services.parser.reply.doubt import is_doubtful
from services.parser.reply.lines import COLONS, Line, fold, is_rule
from services.parser.reply.words import FIELDS, FORWARDED, MARKERS, ORIGINAL, Role
from services.parser.text.word_patterns import Words

BLOCK_LINES = 24
FIELD_NAME_MAX = 30
WRAPPED_LINES = 4
# The number of different fields that a block needs without a rule before it.
FIELDS_ALONE = 3
FIELDS_AFTER_RULE = 2
MARKER_MAX = 160
DATE_LINE_MAX = 60
FRAME = " -\u2013\u2014_=*#~+>\u2500\t"
# One pass finds all markers. RE2 does not fold the Turkish capital "İ" to "i".
_MARKER = Words("|".join(MARKERS).replace("i", "[i\u0130]"))


@dataclass(frozen=True, slots=True)
class Heading:
    """The lines before a quotation or a forwarded message."""

    length: int
    forwards: bool = False
    # The name of the sender's field in a header block, which shows the language.
    sender_field: str = ""
    # Whether new words may precede it in its first line.
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    length: int
    roles: frozenset[Role]
    sender_field: str


def heading_at(lines: Sequence[Line], start: int) -> Heading | None:
    """Returns the heading that begins at this line, if any."""
    bare = lines[start].bare
    framed = bare[0] in FRAME or bare[-1] in FRAME
    if framed and is_rule(bare):
        return _after_rule(lines, start)
    if framed and bare.startswith(">>> ") and DATE.search(bare):
        # GroupWise: ">>> Jo <jo@desk.example> 03/11/2025 10:30 >>>".
        return Heading(1)
    if (framed or bare[-1] in COLONS) and (found := _titled(lines, start, framed)):
        return found
    if lines[start].attribution_end is not None and (length := attribution_at(lines, start)):
        return _with_block(lines, start, Heading(length, doubtful=is_doubtful(bare)))
    if lines[start].pieces_end and (length := scattered_attribution_at(lines, start)):
        return Heading(length)
    # Most lines are prose without a colon, which a field needs.
    if ":" in bare or "\uff1a" in bare:
        ruled = lines[start].ruled
        if block := _block(lines, start, FIELDS_AFTER_RULE if ruled else FIELDS_ALONE):
            return Heading(block.length, sender_field=block.sender_field)
        if _is_block_in_a_line(bare, ruled):
            return Heading(1, sender_field=_sender_field(bare))
    if length := _lotus_block(lines, start):
        return Heading(length)
    return None


def announces_forwarded(line: Line) -> bool:
    """Tells whether this line announces a forwarded message."""
    return _title(line.bare).startswith(FORWARDED)


def is_recipient_field(line: Line) -> bool:
    """Tells whether this line is a field that may precede an attribution."""
    found = _field(line.bare) if ":" in line.bare else None
    return found is not None and found[0] in ("to", "cc", "subject")


def has_reply_marker(text: str) -> bool:
    """Tells whether this text contains a line above which to reply."""
    return bool(_MARKER.search(text))


def _title(bare: str) -> str:
    return " ".join(fold(bare[:MARKER_MAX].strip(FRAME + COLONS)).split())


def _titled(lines: Sequence[Line], start: int, framed: bool) -> Heading | None:
    bare = lines[start].bare
    if len(bare) > MARKER_MAX:
        return None
    title = _title(bare)
    if not title:
        return None
    dashed = bare[0] in FRAME and (bare[-1] in FRAME or bare[-1] in COLONS)
    if title.startswith(FORWARDED) and (dashed or title in FORWARDED):
        return Heading(1, forwards=True)
    if title.startswith(ORIGINAL) and (dashed or title in ORIGINAL):
        return _with_block(lines, start, Heading(1))
    if framed and dashed and (block := _block_after(lines, start + 1, FIELDS_ALONE)):
        return Heading(block.length + 1, sender_field=block.sender_field)
    return None


def _after_rule(lines: Sequence[Line], start: int) -> Heading | None:
    """Returns the heading that follows a rule; a rule alone is not a heading."""
    index = _next_line(lines, start + 1)
    if index is None or is_rule(lines[index].bare):
        return None
    if block := _block(lines, index, FIELDS_AFTER_RULE):
        return Heading(index - start + block.length, sender_field=block.sender_field)
    if _is_block_in_a_line(lines[index].bare, ruled=True):
        return Heading(index - start + 1, sender_field=_sender_field(lines[index].bare))
    if found := heading_at(lines, index):
        return Heading(index - start + found.length, found.forwards, found.sender_field)
    return None


def _with_block(lines: Sequence[Line], start: int, heading: Heading) -> Heading:
    after = start + heading.length
    if length := _table_block(lines, after):
        return replace(heading, length=heading.length + length)
    if block := _block_after(lines, after, FIELDS_AFTER_RULE):
        return replace(
            heading, length=heading.length + block.length, sender_field=block.sender_field
        )
    return heading


def _table_block(lines: Sequence[Line], start: int) -> int:
    """Counts the lines of a header block that is drawn as a table: "| From | Jo |"."""
    roles: set[Role] = set()
    length = 0
    for index in range(start, min(start + BLOCK_LINES, len(lines))):
        bare = lines[index].bare
        if bare and not bare.startswith("|"):
            break
        role = FIELDS.get(fold(bare.strip("| ").partition("|")[0].strip(" *:\uff1a")))
        if role:
            roles.add(role)
        if bare:
            length = index + 1 - start
    return length if "from" in roles and len(roles) >= FIELDS_AFTER_RULE else 0


def _block_after(lines: Sequence[Line], start: int, fields: int) -> _Block | None:
    index = _next_line(lines, start)
    if index is None or index - start > 2 or (block := _block(lines, index, fields)) is None:
        return None
    return _Block(index - start + block.length, block.roles, block.sender_field)


def _next_line(lines: Sequence[Line], start: int) -> int | None:
    depth = lines[start - 1].depth
    for index in range(start, min(start + 4, len(lines))):
        if lines[index].depth != depth:
            return None
        if lines[index].bare:
            return index
    return None


def _field(bare: str) -> tuple[Role, str] | None:
    """Returns the role and the name of the header field in this line."""
    return _field_of(bare[:FIELD_NAME_MAX])


@lru_cache(maxsize=1024)
def _field_of(head: str) -> tuple[Role, str] | None:
    """Parses a field; cached, as overlapping blocks read the same lines again."""
    head = head.replace("\uff1a", ":")
    end = head.find(":")
    if end < 0:
        return None
    name = " ".join(fold(head[:end].strip("*_ \t\"'-\u2013\u2014=")).split())
    role = FIELDS.get(name)
    return (role, name) if role else None


def _block(lines: Sequence[Line], start: int, fields: int) -> _Block | None:
    """Returns the header block that begins here if it has enough different fields."""
    if _field(lines[start].bare) is None:
        return _unknown_block(lines, start)
    depth, roles, sender_field = lines[start].depth, set[Role](), ""
    length = plain = 0
    proof = dated = False
    for index in range(start, min(start + BLOCK_LINES, len(lines))):
        bare = lines[index].bare
        if lines[index].depth != depth or (plain and not bare and len(roles) >= fields):
            break
        found = _field(bare)
        if found is None:
            plain += 1
            if plain > WRAPPED_LINES or (not bare and _is_block_end(lines, index, depth)):
                break
            proof = proof or bool(length and ADDRESS.search(bare))
            continue
        plain, length = 0, index - start + 1
        roles.add(found[0])
        sender_field = sender_field or (found[1] if found[0] == "from" else "")
        dated = dated or (found[0] == "date" and bool(CLOCK.search(bare)))
        proof = proof or found[0] == "subject" or bool(ADDRESS.search(bare))
    roles -= {"other", "cc"}
    enough = len(roles) >= fields or (dated and len(roles) >= FIELDS_AFTER_RULE)
    if "from" not in roles or not enough or not proof:
        return None
    return _Block(length + _wrapped(lines, start + length, depth), frozenset(roles), sender_field)


def _is_block_in_a_line(bare: str, ruled: bool) -> bool:
    """Accepts "From: ... Sent: ... To: ... Subject: ..." in one line, as made from HTML.

    Two fields are enough if they name an address and the time, or below a rule.
    """
    bare = bare.replace("\uff1a", ":")
    first, date, known = _field(bare), False, set[Role]()
    if first is None:
        return False
    pieces = bare.split(":")[: BLOCK_LINES + 1]
    for piece, value in pairwise(pieces):
        role = _role_at_end(piece)
        if role == "date":
            date = bool(DATE.search(value) or any(letter.isdigit() for letter in value))
        if role:
            known.add(role)
    if "from" not in known or not known & {"date", "to", "subject"}:
        return False
    if first[0] == "from" and "subject" in known and known & {"date", "to"}:
        return True
    if {"from", "date", "to"} <= known and date and CLOCK.search(bare):
        return True
    dated = date and bool(DATE.search(bare)) and (ruled or bool(CLOCK.search(bare)))
    return dated and bool(ADDRESS.search(bare))


def _sender_field(bare: str) -> str:
    field = _field(bare)
    return field[1] if field and field[0] == "from" else ""


def _role_at_end(piece: str) -> Role | None:
    """Returns the role of the field whose name ends here."""
    words = fold(piece.strip("* ")).split()[-3:]
    for count in range(len(words)):
        if role := FIELDS.get(" ".join(words[count:])):
            return role
    return None


def _is_block_end(lines: Sequence[Line], index: int, depth: int) -> bool:
    """Tells whether an empty line ends a block: the next line is not a field."""
    following = index + 1
    if following >= len(lines) or lines[following].depth != depth:
        return True
    return _field(lines[following].bare) is None


def _wrapped(lines: Sequence[Line], index: int, depth: int) -> int:
    """Counts the indented lines that continue the last field of a block."""
    count = 0
    while index + count < len(lines) and count < WRAPPED_LINES:
        line = lines[index + count]
        if not line.bare or line.depth != depth or not line.text.startswith((" ", "\t")):
            break
        count += 1
    return count


def _unknown_block(lines: Sequence[Line], start: int) -> _Block | None:
    """Recognizes three lines with unknown field names: "Name <address>", then a date."""
    first = lines[start].bare
    if ":" not in first[:FIELD_NAME_MAX] and "\uff1a" not in first[:FIELD_NAME_MAX]:
        return None
    if not (first.endswith((">", "]")) and ADDRESS.search(first)):
        return None
    block = lines[start : start + FIELDS_ALONE]
    if len(block) < FIELDS_ALONE or any(
        ":" not in line.bare[:FIELD_NAME_MAX].replace("\uff1a", ":") for line in block
    ):
        return None
    dated = any(DATE.search(line.bare) for line in block[1:])
    known = any(_field(line.bare) for line in block)
    addressed = sum(1 for line in block if ADDRESS.search(line.bare)) >= 2
    return _Block(FIELDS_ALONE, frozenset({"from"}), "") if dated and (known or addressed) else None


def _lotus_block(lines: Sequence[Line], start: int) -> int:
    """Counts the lines of a Lotus Notes block: name, date, then "To", "cc", "Subject"."""
    if start + 4 > len(lines) or len(lines[start].bare) > 2 * DATE_LINE_MAX:
        return 0
    dated = lines[start + 1].bare or lines[start + 2].bare
    if not dated or len(dated) > DATE_LINE_MAX or not DATE.search(dated):
        return 0
    window = lines[start : start + BLOCK_LINES]
    roles: set[Role] = set()
    length = 0
    for index, line in enumerate(window):
        role = FIELDS.get(fold(line.bare.rstrip(COLONS + " "))) if len(line.bare) < 20 else None
        if role in ("to", "cc", "subject"):
            roles.add(role)
            length = index + 1
    return min(length + 1, len(window)) if len(roles) == 3 else 0
