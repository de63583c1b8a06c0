"""Text above and behind base64, which lists and gateways add: a part in, texts as parts out."""

from __future__ import annotations

import re

from services.parser.mime.raw_bytes import chunks_of
from services.parser.mime.structure import Part
from services.parser.mime.transfer import FROM_URL_SAFE, NOT_BASE64, lenient_base64

# Enough for the text in nearly all messages; more is read as long as no base64 is found.
TAIL = 8 * 1024
# A text above, which gateways write, is shorter.
HEAD = 4 * 1024
BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
# Encoders write 76 characters a line (RFC 2045, 6.8), and words are shorter than this.
LONG_LINE = 60
# After padding, a line of this length may begin another text in base64.
NEXT_TEXT = 16
# A body that is a single word, like "Thanks".
WORD_MAX = 20
# Words with a space between them, or an address. Other characters may be damaged base64.
WORDS = re.compile(rb"[ \t]|://|@")
MARKUP = re.compile(rb"\s*<[A-Za-z]")
BLANKS = b" \t"
IN_BASE64 = bytes(sorted(set(range(256)) - set(NOT_BASE64))) + b"\r\n"
# The alphabet of RFC 4648, 5. Two hyphens begin a line that is a boundary.
URL_SAFE = re.compile(rb"(?:[A-Za-z0-9=\r\n]|_|-(?!-)|(?<=[A-Za-z0-9_-])-)++")
ADDED = "text {} base64: added to the body"


def cut_texts_around(part: Part) -> tuple[Part | None, Part | None]:
    """Cuts off the texts above and behind the base64 of a part, and returns them as parts."""
    if part.encoding != "base64" or _is_word(part) or _is_url_safe(part):
        return None, None
    above = _cut_text_above(part)
    behind = _cut_text_behind(part)
    if part.encoding and any(map(_has_others, chunks_of(part.view, part.start, part.end))):
        part.defects.append("characters that are not base64 were left out")
    if part.encoding and _is_cut_off(part):
        part.defects.append("base64 was cut off within a byte")
    return above, behind


def _is_url_safe(part: Part) -> bool:
    """Tells base64 in the alphabet for URLs, and marks the part as such."""
    tail = part.view[max(part.start, part.end - TAIL) : part.end]
    if not (b"-" in tail or b"_" in tail) or not URL_SAFE.fullmatch(tail):
        return False
    part.encoding = "base64url"
    return True


def _is_word(part: Part) -> bool:
    """Tells a single word of text that is only declared as base64, and marks it as such."""
    if part.end - part.start > 2 * WORD_MAX or not part.content_type.value.startswith("text/"):
        return False
    word = part.view[part.start : part.end].strip().translate(FROM_URL_SAFE)
    if not 0 < len(word) <= WORD_MAX or word.endswith(b"=") or WORDS.search(word):
        return False
    if BASE64_LINE.fullmatch(word) and _holds_text(part, word):
        return False
    _note_no_base64(part)
    return True


def _holds_text(part: Part, word: bytes) -> bool:
    """Tells whether a word may be base64: a whole number of bytes, which are text."""
    charset = part.content_type.parameters.get("charset", "utf-8").lower()
    if len(word) % 4 or charset not in ("utf-8", "us-ascii"):
        return not len(word) % 4
    try:
        return "".join(lenient_base64(word).decode().split()).isprintable()
    except UnicodeDecodeError:
        return False


def _note_no_base64(part: Part) -> None:
    part.encoding = ""
    part.defects.append("declared as base64, but is not")


def _cut_text_above(part: Part) -> Part | None:
    head = part.view[part.start : min(part.end, part.start + HEAD)]
    lines = head.splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if _is_certain(line.strip())), 0)
    text = b"".join(lines[:first])
    # A single character may be damaged base64.
    if len(text.translate(None, IN_BASE64)) < 2 or not WORDS.search(text):
        return None
    part.defects.append(ADDED.format("above"))
    above = _text_part(part, part.start, part.start + len(text))
    part.start = above.end
    return above


def _cut_text_behind(part: Part) -> Part | None:
    end = _end_of_base64(part)
    if end == part.end:
        return None
    if end == part.start:
        _note_no_base64(part)
        return None
    part.defects.append(ADDED.format("behind"))
    behind = _text_part(part, end, part.end)
    part.end = end
    return behind


def _text_part(part: Part, start: int, end: int) -> Part:
    is_markup = part.content_type.value == "text/html" and MARKUP.match(part.view, start, end)
    text = Part(part.view, "text/html" if is_markup else "text/plain")
    text.start, text.end = start, end
    return text


def _has_others(chunk: bytes) -> bool:
    """Tells whether base64 contains other characters or words, which its decoding leaves out."""
    others = chunk.translate(None, IN_BASE64)
    if not others or others.strip(BLANKS):
        return bool(others)
    # Blanks alone are left out rightly: each piece between them has whole groups of letters.
    pieces = (line.split() for line in chunk.splitlines())
    return any(len(line) > 1 and any(len(piece) % 4 for piece in line) for line in pieces)


def _is_cut_off(part: Part) -> bool:
    """Tells whether a single letter is left at the end, which is less than a byte."""
    begin = max(part.start, part.end - TAIL)
    lines = part.view[begin : part.end].splitlines()
    # Lines of whole groups, as encoders write them, leave none. The first may be half of one.
    if not any(len(line.strip()) % 4 for line in lines[begin > part.start :]):
        return False
    left = 0
    for chunk in chunks_of(part.view, part.start, part.end):
        *ended, last = chunk.translate(None, NOT_BASE64).split(b"=")
        left = len(last) + (0 if ended else left)
    return left % 4 == 1


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
    is_base64 = BASE64_LINE.fullmatch(line) is not None
    if at == 0:
        return is_base64 or not line
    if not is_base64:
        return False
    padded = lines[at - 1].rstrip().endswith(b"=")
    return len(line) % 4 == 0 and (not padded or len(line) >= NEXT_TEXT)


def _is_text(line: bytes) -> bool:
    return WORDS.search(line) is not None
