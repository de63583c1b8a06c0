"""MAPI properties in TNEF (MS-OXTNEF, section 2.1.3.4): bytes in, ids, types and values out."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

# Real messages have a few hundred properties, with a few values each.
PROPERTIES_MAX = 10_000
VALUES_MAX = 10_000
# MS-OXCDATA, section 2.11.1: the sizes of fixed values (padded to 4), and variable-length types.
FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
STRING8, UNICODE, BINARY, OBJECT, TIME = 0x1E, 0x1F, 0x102, 0x0D, 0x40
MULTIPLE = 0x1000
NAMED_FROM = 0x8000
# MS-OXPROPS, section 1.3.2: the sets of named properties that describe meetings. We number the
# properties of each set from here on.
APPOINTMENT, MEETING = 0x10000, 0x20000
SETS = {
    bytes.fromhex("0220060000000000c000000000000046"): APPOINTMENT,
    bytes.fromhex("90dad86e0b451b1098da00aa003f1305"): MEETING,
}
# A FILETIME counts units of 100 ns from this time.
TIMES_BEGIN = datetime(1601, 1, 1, tzinfo=UTC)


class BrokenError(Exception):
    """The bytes end too early, or contain an unknown type."""


def read_properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields the id, the type and the (first) value of each property."""
    (count,) = struct.unpack_from("<I", data)
    if count > PROPERTIES_MAX:
        raise BrokenError
    at = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= NAMED_FROM:
            number, at = _named(data, at)
        first, at = _values(data, at, kind)
        yield number, kind, first


def _named(data: bytes, at: int) -> tuple[int, int]:
    """Returns the number of a named property and the end of its name (MS-OXTNEF, 2.1.3.4)."""
    is_text, number = struct.unpack_from("<II", data, at + 16)
    if is_text:
        # In this form the number is the size of the text.
        return NAMED_FROM, at + 24 + _padded(number)
    base = SETS.get(data[at : at + 16], 0)
    return base + (number & 0xFFFF) if base else NAMED_FROM, at + 24


def read_time(content: bytes) -> datetime | None:
    """Returns the time in a value, or None if it is out of the calendar's range."""
    try:
        return TIMES_BEGIN + timedelta(microseconds=int.from_bytes(content[:8], "little") // 10)
    # Outlook writes the largest number for "never".
    except OverflowError:
        return None


def _values(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """Returns the first value of a property, and the end of the last one."""
    plain = kind & ~MULTIPLE
    size = FIXED.get(plain)
    if size is None and plain not in (STRING8, UNICODE, BINARY, OBJECT):
        raise BrokenError
    count = 1
    # Variable-length types have a count, even if they cannot have several values.
    if size is None or kind & MULTIPLE:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if count > VALUES_MAX:
        raise BrokenError
    first = b""
    for number in range(count):
        value, at = _value(data, at, size)
        first = first if number else value
    return first, at


def _value(data: bytes, at: int, size: int | None) -> tuple[bytes, int]:
    if size is None:
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
    if at + size > len(data):
        raise BrokenError
    return data[at : at + size], at + _padded(size)


def _padded(size: int) -> int:
    return size + -size % 4
