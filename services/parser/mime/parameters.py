"""Content-Type and Content-Disposition: a raw field in, its value and parameters out.

By RFC 2045, 2047 and 2231.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from services.parser.mime.headers import VALUE_MAX, decode_words
from services.parser.text.decode import decode, one_line, storable

PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
# Only these two are unescaped: Outlook writes Windows paths with single backslashes.
QUOTED_PAIR = re.compile(r'\\(["\\])')
# name*0*, name*1, name*: RFC 2231, sections 3 and 4.
SECTION = re.compile(r"([^*]+)\*(?:(\d{1,4})(\*)?)?")


@dataclass(frozen=True, slots=True)
class StructuredValue:
    """A field's value in lower case ("text/plain", "attachment") and its decoded parameters."""

    value: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Section:
    order: int
    encoded: bool
    text: str


def read_structured_value(raw: str) -> StructuredValue:
    """Reads a raw field; junk gives an empty value, never an error."""
    raw = raw[:VALUE_MAX].replace("\r", "").replace("\n", "")
    value, semicolon, _ = raw.partition(";")
    if not semicolon:
        return StructuredValue(_token(value))
    plain: dict[str, str] = {}
    sections: dict[str, list[_Section]] = {}
    for found in PARAMETER.finditer(raw):
        name, text = found.group(1).lower(), _unquoted(found.group(2))
        if section := "*" in name and SECTION.fullmatch(name):
            base, number, star = section.groups()
            encoded = number is None or star is not None
            sections.setdefault(base, []).append(_Section(int(number or 0), encoded, text))
        else:
            plain.setdefault(name, text)
    parameters = {name: _clean(decode_words(text)) for name, text in plain.items()}
    parameters |= {name: _clean(_assembled(parts)) for name, parts in sections.items()}
    return StructuredValue(_token(value), parameters)


def _token(value: str) -> str:
    # "text/plain (comment)" and "TEXT/PLAIN charset=…" without a semicolon occur.
    words = value.split(None, 1)
    return storable(decode_words(words[0].lower())) if words else ""


def _unquoted(text: str) -> str:
    text = text.strip()
    if not text.startswith('"'):
        return text
    return QUOTED_PAIR.sub(r"\1", text[1:].removesuffix('"'))


def _assembled(sections: list[_Section]) -> str:
    """Joins the sections of a parameter; the first names the charset: utf-8'en'na%C3%AFve."""
    sections.sort(key=lambda section: section.order)
    charset: str | None = None
    first = sections[0]
    text = first.text
    if first.encoded and text.count("'") >= 2:
        charset, _, text = text.split("'", 2)
    data = _section_bytes(first.encoded, text)
    data += b"".join(_section_bytes(one.encoded, one.text) for one in sections[1:])
    if charset is None and b"=?" in data:
        return decode_words(data.decode("ascii", "surrogateescape"))
    return decode(data, charset)


def _section_bytes(encoded: bool, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return unquote_to_bytes(data) if encoded else data


def _clean(text: str) -> str:
    return storable(one_line(text))
