"""Writes the values of header fields: mailboxes, free text and parameters, folded and encoded."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote

from postrail.notifications.addresses import header_address

# RFC 5322, 2.1.1: lines should have at most 78 characters and must have at most 998.
LINE_CHARACTERS = 78
LINE_MAX_BYTES = 998
# RFC 2047, 2: an encoded word has at most 75 characters, a line that holds one at most 76.
WORD_BYTES = 39
# RFC 2231, 3: a longer value of a parameter is several of them.
PARAMETER_CHARACTERS = 60

# Every character that some reader takes for a line end, and the other control characters.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# They turn the direction of what follows, so that a name or an address looks like another one.
DIRECTIONS = "\u202a-\u202e\u2066-\u2069"
_DIRECTIONS = re.compile(f"[{DIRECTIONS}]")
_PLAIN_PARAMETER = re.compile(r"[A-Za-z0-9 ._()+-]{1,60}")


@lru_cache(maxsize=1024)
def mailbox(name: str, address: str) -> str:
    """Returns a display name and an address in the form of header fields."""
    plain = header_address(address)
    # Readers collapse several spaces of a name into one.
    words = " ".join(clean(name).split())
    if not words:
        return plain
    if _needs_encoding(words) or len(words) > LINE_CHARACTERS - 10:
        return f"{_encoded_words(words)}\r\n <{plain}>"
    quoted = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"\r\n <{plain}>'


def mailboxes(named: Iterable[tuple[str, str]]) -> str:
    """Returns display names and addresses in the form of header fields, on a line each."""
    return ",\r\n ".join(mailbox(name, address) for name, address in named)


def unstructured(value: str) -> str:
    """Returns the free text of a header field: as it is, folded at spaces, or as encoded words."""
    words = clean(value)
    if _needs_encoding(words):
        return _encoded_words(words)
    if len(words) <= LINE_CHARACTERS - 10:
        return words
    return _folded(words) or _encoded_words(words)


def parameter(name: str, value: str) -> str:
    """Returns a parameter of a field, on lines of its own: quoted, or by RFC 2231."""
    if _PLAIN_PARAMETER.fullmatch(value):
        return f';\r\n {name}="{value}"'
    # Each character as a whole: some programs decode the pieces one by one.
    pieces = ["utf-8''"]
    for character in clean(value):
        encoded = quote(character.encode("utf-8", "replace"), safe="")
        if len(pieces[-1]) + len(encoded) > PARAMETER_CHARACTERS:
            pieces.append("")
        pieces[-1] += encoded
    if len(pieces) == 1:
        return f";\r\n {name}*={pieces[0]}"
    return "".join(f";\r\n {name}*{place}*={piece}" for place, piece in enumerate(pieces))


def clean(value: str) -> str:
    """Returns the value on one line: its control characters and line ends become spaces."""
    return _CONTROLS.sub(" ", without_directions(value)).strip()


def without_directions(value: str) -> str:
    """Returns the value without the characters that turn the direction of a line."""
    return value if value.isascii() else _DIRECTIONS.sub("", value)


def _needs_encoding(value: str) -> bool:
    # Readers take "=?" for the start of an encoded word.
    return not value.isascii() or "=?" in value


def _folded(value: str) -> str:
    """Returns the text on several lines, or "" if folding would change its spaces."""
    words = value.split(" ")
    if any(not word or len(word) > LINE_CHARACTERS - 10 for word in words):
        return ""
    lines: list[str] = []
    # The first line also holds the name of the field.
    line, room = words[0], LINE_CHARACTERS - 10
    for word in words[1:]:
        if len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, LINE_CHARACTERS - 1
        else:
            line = f"{line} {word}"
    return "\r\n ".join([*lines, line])


def _encoded_words(value: str) -> str:
    """Returns RFC 2047 encoded words; readers drop the line ends and spaces between them."""
    return "\r\n ".join(
        f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="
        for chunk in _chunks(value.encode("utf-8", "replace"), WORD_BYTES)
    )


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    """Yields pieces of UTF-8 of at most `size` bytes, without cutting a character."""
    start = 0
    while start < len(data):
        end = min(start + size, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start = end
