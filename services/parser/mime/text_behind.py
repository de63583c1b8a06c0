"""Text behind base64, which lists and gateways append: a part in, the text as a part out."""

from __future__ import annotations

import re

from services.parser.mime.structure import Part
from services.parser.mime.transfer import NOT_BASE64

# Enough for the text in nearly all messages; more is read as long as no base64 is found.
TAIL = 8 * 1024
BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
# Encoders write 76 characters a line (RFC 2045, 6.8); so long a line is no word.
LONG_LINE = 60
# After padding, a line of this length may begin another text in base64.
NEXT_TEXT = 16
# Words with a space between them, or an address. Other characters may be damaged base64.
WORDS = re.compile(rb"[ \t]|://|@")
MARKUP = re.compile(rb"\s*<[A-Za-z]")
BLANKS = b" \t"
IN_BASE64 = bytes(sorted(set(range(256)) - set(NOT_BASE64))) + b"\r\n"


def cut_text_behind(part: Part) -> Part | None:
    """Cuts off the text behind the base64 of a part, and returns it as a part of its own."""
    if part.encoding != "base64":
        return None
    end = _end_of_base64(part)
    if end == part.end:
        return None
    if end == part.start:
        part.encoding = ""
        part.defects.append("declared as base64, but is not")
        return None
    part.defects.append("text behind base64: added to the body")
    is_markup = part.content_type.value == "text/html" and MARKUP.match(part.view, end)
    behind = Part(part.view, "text/html" if is_markup else "text/plain")
    behind.start, behind.end, part.end = end, part.end, end
    return behind


def _end_of_base64(part: Part) -> int:
    """Returns the place where text begins, or the end of the part."""
    size = TAIL
    while True:
        begin = max(part.start, part.end - size)
        tail = part.view[begin : part.end]
        if not tail.translate(None, IN_BASE64):
            return part.end
        lines = tail.splitlines(keepends=True)
        last = max((at for at, line in enumerate(lines) if _is_certain(line.strip())), default=-1)
        if last >= 0 or begin == part.start:
            text = _text_in(lines, last + 1)
            if b"".join(lines[:text]).translate(None, IN_BASE64 + BLANKS):
                part.defects.append("characters that are not base64 were left out")
            return part.end - sum(len(line) for line in lines[text:])
        size *= 2


def _is_certain(line: bytes) -> bool:
    """Tells a line that is surely base64."""
    padded = line.endswith(b"=") and len(line) % 4 == 0
    return (padded or len(line) >= LONG_LINE) and BASE64_LINE.fullmatch(line) is not None


def _text_in(lines: list[bytes], start: int) -> int:
    """Returns the number of the first line of text; from `start` on, no line is surely base64."""
    at = start
    while at < len(lines) and _goes_on(lines, at):
        at += 1
    return at if any(_is_text(line.strip()) for line in lines[at:]) else len(lines)


def _goes_on(lines: list[bytes], at: int) -> bool:
    """Tells whether a line continues the base64 before it."""
    line = lines[at].strip()
    if at == 0 or not BASE64_LINE.fullmatch(line):
        return at == 0 and (not line or BASE64_LINE.fullmatch(line) is not None)
    padded = lines[at - 1].rstrip().endswith(b"=")
    return len(line) % 4 == 0 and (not padded or len(line) >= NEXT_TEXT)


def _is_text(line: bytes) -> bool:
    return WORDS.search(line) is not None
