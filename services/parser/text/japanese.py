"""ISO-2022-JP and EUC-JP as mailers write them, with the vendors' characters: bytes in, text out.

The standards lack "①" and the form of a letter in many a name; NEC and IBM added them where the
standards leave room, as Microsoft's code page 932 has them.
"""

from __future__ import annotations

import codecs
import re

ISO_2022_JP = "iso2022_jp_ext"
JAPANESE = frozenset({ISO_2022_JP, "euc_jp"})
# The escape sequences before a text in two bytes.
ESCAPES = (b"\x1b$B", b"\x1b$@")
SHIFTED = re.compile(rb"\x0e([\x21-\x5f]*+)\x0f")
VENDOR_CHARACTERS = "postrail-japanese-vendor-characters"


def is_escaped(data: bytes) -> bool:
    """Tells ISO-2022-JP, which is ASCII with escape sequences, whatever its declared name is."""
    return b"\x1b$" in data and any(one in data for one in ESCAPES) and data.isascii()


def without_shifts(data: bytes) -> bytes:
    """Replaces the shifts to katakana of half width by the escape sequences for it."""
    return SHIFTED.sub(b"\x1b(I\\1\x1b(B", data)


def decode_japanese(data: bytes, codec: str) -> str:
    """Decodes text in one of these charsets; what no vendor has becomes U+FFFD."""
    return data.decode(codec, VENDOR_CHARACTERS)


def _vendor_character(error: UnicodeError) -> tuple[str, int]:
    """Decodes the character at which Python's codec stops."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    first, second = (byte & 0x7F for byte in pair) if len(pair) == 2 else (0, 0)
    if 0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E:
        found = _shift_jis(first, second).decode("cp932", "replace")
        return (found if len(found) == 1 else "\ufffd"), error.start + 2
    # Katakana of half width in one byte.
    return pair[:1].decode("cp932", "replace"), error.start + 1


def _shift_jis(first: int, second: int) -> bytes:
    """Converts a character of two bytes of 7 bits from JIS to Shift_JIS."""
    row = (first - 0x21) // 2 + 0x81
    cell = second + 0x1F + (second > 0x5F) if first % 2 else second + 0x7E
    return bytes((row + 0x40 * (row > 0x9F), cell))


codecs.register_error(VENDOR_CHARACTERS, _vendor_character)
