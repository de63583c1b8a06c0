"""Decodes text: bytes and a declared charset in, text for PostgreSQL, Avro and JSON out.

Never fails, whatever the charset is.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.parser.text.charset_detection import detect
from services.parser.text.charset_names import CHARSET_NAME_MAX, codec_of
from services.parser.text.japanese import (
    ISO_2022_JP,
    JAPANESE,
    decode_japanese,
    is_escaped,
    without_shifts,
)
from services.parser.text.utf8 import HIGH_BYTE, NON_ASCII, decoded_exactly, text_as_utf8

ESCAPE = b"\x1b"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
# A declared charset is used if at most this share of the characters is broken (one in twenty).
ACCEPTED_ERROR_SHARE = 0.05
# UTF-8 is used if at least this many times as many of its characters are whole as are broken.
WHOLE_PER_BROKEN = 2
# Sets that add characters to a declared one, tried when that lacks some.
LARGER_SETS = {"big5": ("cp950", "big5hkscs")}
# The beginning of a character in UTF-8 whose end was cut off.
CUT_OFF = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
# In a shorter text, the last letter of a word in another charset may look like one.
CUT_OFF_MIN = 16
REPLACEMENT = "\ufffd"
UNWANTED_IN_LINES = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the charset by which it was decoded: "utf-8", or "gb2312 as gb18030"."""

    text: str
    charset: str
    # Whether characters were replaced by U+FFFD.
    has_replacements: bool = False


def decode(data: bytes, charset: str | None) -> str:
    """Decodes text like `decode_named`, and returns the text alone."""
    return decode_named(data, charset).text


def decode_named(data: bytes, charset: str | None) -> Decoded:
    """Decodes text as UTF-8 if it is, by its declared charset or a superset, else as detected.

    Never fails: bytes that cannot be decoded become U+FFFD.
    """
    codec = codec_of(charset) if charset else None
    if codec == ISO_2022_JP:
        data = without_shifts(data)
    may_be_utf8 = codec in (None, "utf-8") and ESCAPE not in data
    if (
        may_be_utf8
        and not data.startswith(MARKS)
        and (text := decoded_exactly(data, "utf-8")) is not None
    ):
        # As nearly all texts are.
        is_ascii = (charset or "").lower() == "us-ascii" and text.isascii()
        return Decoded(text, "us-ascii" if is_ascii else _read_as(charset, "utf-8"))
    if (marked := _marked(data, charset, codec)) is not None:
        return marked
    for candidate, exact in _exact_readings(data, codec):
        if exact is not None:
            return Decoded(exact, _read_as(charset, candidate))
    for candidate, damaged in _damaged_readings(data, codec):
        if damaged is not None:
            return Decoded(damaged, f"{_read_as(charset, candidate)}, with replacements", True)
    detected = detect(data) or "cp1252"
    text = data.decode(detected, "replace")
    return Decoded(text, f"{_read_as(charset, detected)}, detected", REPLACEMENT in text)


def _marked(data: bytes, charset: str | None, codec: str | None) -> Decoded | None:
    """Decodes a text whose beginning, escapes or end show its charset, whatever is declared."""
    for mark, marked in BYTE_ORDER_MARKS:
        # Blanks and line ends in UTF-16 have a zero byte; other text may begin like its mark.
        if marked == "utf-16" and b"\0" not in data:
            continue
        if data.startswith(mark) and (found := decoded_exactly(data, marked)) is not None:
            return Decoded(found.removeprefix("\ufeff"), _read_as(charset, marked))
    if is_escaped(data) and codec not in ("iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004"):
        text = decode_japanese(data, ISO_2022_JP)
        return Decoded(text, _read_as(charset, ISO_2022_JP), REPLACEMENT in text)
    if codec and (cut_off := _cut_off_utf8(data, codec)) is not None:
        return Decoded(cut_off, f"{_read_as(charset, 'utf-8')}, with replacements", True)
    return None


def _exact_readings(data: bytes, codec: str | None) -> Iterator[tuple[str, str | None]]:
    """Yields the charsets that the text may be in, the likeliest first, and the text."""
    if codec and codec != "utf-8":
        if not data.isascii() or codec.startswith(("utf-16", "utf-32")):
            yield "utf-8", text_as_utf8(data, codec)
        yield codec, decoded_exactly(data, codec)
        for larger in LARGER_SETS.get(codec, ()):
            yield larger, decoded_exactly(data, larger)
        if codec in JAPANESE:
            text = decode_japanese(data, codec)
            yield codec, None if REPLACEMENT in text else text
    yield "utf-8", decoded_exactly(data, "utf-8")


def _cut_off_utf8(data: bytes, codec: str) -> str | None:
    """Decodes UTF-8 under another name that ends within a character; None if it does not."""
    if codec == "utf-8":
        return None
    whole = data.rstrip(b"\r\n")
    found = CUT_OFF.search(whole, max(0, len(whole) - 3))
    if found is None or len(HIGH_BYTE.findall(whole)) < CUT_OFF_MIN:
        return None
    text = text_as_utf8(whole[: found.start()], codec)
    return None if text is None else f"{text}{REPLACEMENT}{data[len(whole) :].decode()}"


def _damaged_readings(data: bytes, codec: str | None) -> Iterator[tuple[str, str | None]]:
    """Yields the charsets of a text that was cut off or damaged in places, and the text."""
    if codec in (None, "utf-8"):
        yield "utf-8", _damaged_utf8(data)
    elif codec:
        text = decode_japanese(data, codec) if codec in JAPANESE else data.decode(codec, "replace")
        broken = text.count(REPLACEMENT)
        yield codec, text if broken <= len(text) * ACCEPTED_ERROR_SHARE else None


def _damaged_utf8(data: bytes) -> str | None:
    """Decodes UTF-8 that is damaged in places; None if it is another charset."""
    text = data.decode("utf-8", "replace")
    broken = text.count(REPLACEMENT) - (CUT_OFF.search(data) is not None)
    whole = len(NON_ASCII.findall(text)) - text.count(REPLACEMENT)
    return text if whole and whole >= WHOLE_PER_BROKEN * broken else None


def _read_as(charset: str | None, codec: str) -> str:
    if not charset or charset.lower() == codec:
        return codec
    declared = one_line(charset).lower()[:CHARSET_NAME_MAX]
    return f"{declared} as {codec}" if declared and declared != codec else codec


def unflow(text: str, delete_space: bool) -> str:
    """Joins the wrapped lines of a text in format=flowed (RFC 3676)."""
    lines: list[str] = []
    depths: list[int] = []
    pending: list[str] = []
    for line in [*text.split("\n"), None]:
        quotes, content = _quote(line) if line is not None else (-1, "")
        if pending and quotes != depths[-1]:
            lines[-1] = "".join(pending)
            pending = []
        if line is None:
            break
        if not pending:
            lines.append("")
            depths.append(quotes)
            pending = [">" * quotes + (" " if quotes else "")]
        flows = content.endswith(" ") and content != "-- "
        pending.append(content[:-1] if flows and delete_space else content)
        if not flows:
            lines[-1] = "".join(pending)
            pending = []
    return "\n".join(lines)


def _quote(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    # RFC 3676, 4.4: lines that begin with a space were given another one.
    return len(line) - len(content), content.removeprefix(" ")


def storable(text: str) -> str:
    """Removes what PostgreSQL or UTF-8 cannot store: NUL, and surrogates without a pair."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def one_line(text: str) -> str:
    """Replaces each run of spaces, line ends and control characters by one space."""
    # split() does not remove ASCII's other control characters, which are rare.
    if text.isascii() and (plain := " ".join(text.split())).isprintable():
        return plain
    return UNWANTED_IN_LINES.sub(" ", text).strip()


def unix_lines(text: str) -> str:
    """Replaces all line ends by line feeds."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def cut(text: str, max_bytes: int) -> str:
    """Truncates the text to `max_bytes` bytes of UTF-8, at the end of a character."""
    if len(text) * 4 <= max_bytes:
        return text
    data = text.encode()
    return text if len(data) <= max_bytes else data[:max_bytes].decode("utf-8", "ignore")
