"""Decodes text: bytes and a declared charset in, text for PostgreSQL, Avro and JSON out.

Never fails, whatever the charset is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from services.parser.text.charset_detection import detect

# Charsets that mailers declare when they use a superset. WHATWG's Encoding standard reads Latin-1
# as Windows-1252, and the Chinese, Japanese and Korean names as the vendors' larger sets.
SUPERSETS = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
}
# Python's own text encodings, which are not charsets of messages.
NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs"}
CHARSET_NAME_MAX = 40
# A declared charset is used if at most this share of the characters is broken (one in twenty).
ACCEPTED_ERROR_SHARE = 0.05
UNWANTED_IN_LINES = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str | None:
    """Returns Python's name for a charset as messages declare it, or None for an unknown one."""
    name = charset.strip(" \t\r\n\"'").lower()
    name = SUPERSETS.get(name, name)
    if not name or len(name) > CHARSET_NAME_MAX or not name.isascii() or "\x00" in name:
        return None
    try:
        info = codecs.lookup(name)
        # Codecs from bytes to bytes ("hex", "zip") raise an error here.
        b"x".decode(info.name, "replace")
    except (LookupError, ValueError):
        return None
    return None if info.name.replace("-", "_") in NO_CHARSETS else info.name


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the charset by which it was decoded: "utf-8", or "gb2312 as gb18030"."""

    text: str
    charset: str


def decode(data: bytes, charset: str | None) -> str:
    """Decodes text like `decode_named`, and returns the text alone."""
    return decode_named(data, charset).text


def decode_named(data: bytes, charset: str | None) -> Decoded:
    """Decodes text by its declared charset or its superset, else as UTF-8, else as detected.

    Never fails: bytes that cannot be decoded become U+FFFD.
    """
    codec = codec_of(charset) if charset else None
    for candidate in (codec, "utf-8"):
        if candidate:
            try:
                return Decoded(data.decode(candidate), _read_as(charset, candidate))
            except UnicodeError:
                continue
    if codec:
        text = data.decode(codec, "replace")
        # A text that was truncated or damaged in places still has its declared charset.
        if text.count("\ufffd") <= len(text) * ACCEPTED_ERROR_SHARE:
            return Decoded(text, f"{_read_as(charset, codec)}, with replacements")
    found = detect(data) or "cp1252"
    return Decoded(data.decode(found, "replace"), f"{_read_as(charset, found)}, detected")


def _read_as(charset: str | None, codec: str) -> str:
    declared = one_line(charset or "").lower()[:CHARSET_NAME_MAX]
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
