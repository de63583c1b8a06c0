"""Header fields: raw fields in, decoded ones out, by RFC 2047 and by what mailers really write."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from services.parser.mime.transfer import lenient_base64
from services.parser.text.decode import decode, one_line, storable
from services.parser.text.utf8 import is_utf8

# Longer values are truncated. RFC 5322 has no limit; legitimate fields are far shorter.
VALUE_MAX = 64 * 1024
SUBJECT_MAX_BYTES = 4000
# charset, language (RFC 2231, section 5), encoding, text. A question mark in the text is wrong, but
# occurs. The bound keeps the time linear for a field that consists of openings only.
ENCODED_WORD = re.compile(
    r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?((?:[^?]|\?(?!=)){0,4000})\?="
)
# A character in UTF-8, or a part of one at an end.
UTF8_SEQUENCE = re.compile(rb"[\xc2-\xf4](?:[\x80-\xbf]|\Z)|\A[\x80-\xbf]")
FIELD_LINE = re.compile(r"([!-9;-~]{1,100})[ \t]*:[ \t]*(.*)", re.DOTALL)


@dataclass(slots=True)
class Field:
    """A header field: its name, its decoded value, and its raw value with encoded words."""

    name: str
    value: str
    raw: str


@dataclass(frozen=True)
class Header:
    """The fields of a header in their order; names are case-insensitive."""

    fields: list[Field]
    _by_name: dict[str, list[Field]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.fields:
            self._by_name.setdefault(one.name.lower(), []).append(one)

    def all(self, name: str) -> list[Field]:
        """Returns the fields of this name (in lower case)."""
        return self._by_name.get(name, [])

    def value(self, name: str) -> str:
        """Returns the decoded value of the first field of this name (in lower case), or ""."""
        found = self._by_name.get(name)
        return found[0].value if found else ""

    def names(self) -> Iterable[str]:
        """Returns the names that occur, in lower case."""
        return self._by_name


def read_header(items: Iterable[tuple[str, str]]) -> Header:
    """Decodes raw fields."""
    return Header([Field(_name(name), decode_value(raw), raw) for name, raw in items])


def header_in(text: str) -> Header:
    """Reads the fields at the beginning of a text, up to an empty line; skips other lines."""
    fields: list[tuple[str, str]] = []
    for line in text.lstrip("\r\n").splitlines():
        if not line.strip():
            break
        if line[0] in " \t" and fields:
            name, value = fields[-1]
            if len(value) < VALUE_MAX:
                fields[-1] = (name, f"{value} {line.strip()}")
        elif found := FIELD_LINE.match(line):
            fields.append((found.group(1), found.group(2)))
    return read_header(fields)


def _name(name: str) -> str:
    return name.strip() if name.isascii() else one_line(decode_eight_bit(name))


def decode_value(raw: str) -> str:
    """Returns a field's value on one line, with encoded words and 8-bit characters decoded."""
    raw = raw[:VALUE_MAX]
    if raw.isascii() and "=?" not in raw:
        return one_line(raw)
    return storable(one_line(decode_words(raw)))


def decode_words(raw: str) -> str:
    """Decodes encoded words (RFC 2047) and 8-bit characters, and keeps the rest unchanged."""
    if "=?" not in raw:
        return raw if raw.isascii() else decode_eight_bit(raw)
    return _decoded(raw)


@lru_cache(maxsize=16)
def _decoded(raw: str) -> str:
    """Decodes encoded words; cached, since `header_defects` decodes the same fields again."""
    unfolded = raw.replace("\r", "").replace("\n", "")
    return "".join(
        _text([data for data, _ in runs], charset)
        for charset, runs in groupby(_runs(unfolded), itemgetter(1))
    )


def decode_eight_bit(raw: str) -> str:
    """Decodes 8-bit characters that are kept as surrogates: UTF-8 (RFC 6532), else a guess.

    Text that was decoded already stays as it is.
    """
    try:
        return decode(raw.encode("ascii", "surrogateescape"), None)
    except UnicodeEncodeError:
        return raw


def _runs(raw: str) -> Iterator[tuple[bytes, str | None]]:
    """Yields the parts of a value as bytes with their charset; None outside encoded words."""
    end = 0
    for word in ENCODED_WORD.finditer(raw):
        between = raw[end : word.start()]
        # RFC 2047, 6.2: white space between two encoded words is ignored.
        if between and not (end and between.isspace()):
            yield _bytes(between), None
        charset, encoding, text = word.groups()
        yield _word(encoding, _bytes(text)), charset.lower()
        end = word.end()
    if end < len(raw):
        yield _bytes(raw[end:]), None


def _text(words: list[bytes], charset: str | None) -> str:
    """Decodes adjacent words of one charset together: mailers split them within a character.

    But if some are in UTF-8, and the others have none of it, each is decoded by itself.
    """
    whole = b"".join(words)
    if charset in (None, "utf-8") or len(words) == 1 or whole.isascii():
        return decode(whole, charset)
    other = [word for word in words if not is_utf8(word)]
    utf8 = [word for word in words if not word.isascii() and is_utf8(word)]
    if not other or not utf8 or any(map(UTF8_SEQUENCE.search, other)):
        return decode(whole, charset)
    texts = [decode(word, charset) for word in words]
    return decode(whole, charset) if any("\ufffd" in text for text in texts) else "".join(texts)


def _bytes(raw: str) -> bytes:
    return raw.encode("utf-8", "surrogateescape")


def _word(encoding: str, text: bytes) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text, header=True)
    return lenient_base64(text)
