"""Writes winmail.dat files (MS-OXTNEF) as Outlook does: attributes with MAPI properties."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime, timedelta

from services.parser.content.mapi import SETS, TIMES_BEGIN
from services.parser.content.tnef import MESSAGE_IID

# A number above 0xFFFF is that of a named property, counted from the number of its set.
Property = tuple[int, int, bytes]

STRING8, UNICODE, BINARY, OBJECT, LONG, TIME = 0x1E, 0x1F, 0x102, 0x0D, 3, 0x40
PLAIN, HTML, RTF, CODE_PAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
LONG_NAME, MIME_TAG, CONTENT_ID, DATA = 0x3707, 0x370E, 0x3712, 0x3701


def tnef(*attributes: bytes) -> bytes:
    """Returns a file of these attributes, after its version and code page."""
    head = struct.pack("<IH", 0x223E9F78, 7)
    version = attribute(0x00089006, struct.pack("<I", 0x00010000))
    code_page = attribute(0x00069007, struct.pack("<II", 1252, 0))
    return b"".join((head, version, code_page, *attributes))


def attribute(name: int, value: bytes, level: int = 1) -> bytes:
    """Returns an attribute with its length and checksum."""
    head = struct.pack("<BII", level, name, len(value))
    return head + value + struct.pack("<H", sum(value) & 0xFFFF)


def message(*given: Property) -> bytes:
    """Returns the attribute of the message's own properties."""
    return attribute(0x00069003, properties(given))


def plain_body(text: str) -> bytes:
    """Returns the body as an attribute, as old Exchange servers write it."""
    return attribute(0x0002800C, text.encode("cp1252") + b"\0")


def file(title: str, content: bytes, *given: Property) -> bytes:
    """Returns an attachment with its short title, content and properties."""
    return b"".join(
        (
            attribute(0x00069002, bytes(14), level=2),
            attribute(0x00018010, title.encode("cp1252") + b"\0", level=2),
            attribute(0x0006800F, content, level=2) if content else b"",
            attribute(0x00069005, properties(given), level=2),
        )
    )


def embedded(title: str, inner: bytes) -> bytes:
    """Returns a message as an attachment."""
    return file(title, b"", (DATA, OBJECT, MESSAGE_IID + inner))


def text(number: int, value: str) -> Property:
    """Returns a property in Unicode."""
    return number, UNICODE, value.encode("utf-16-le") + b"\0\0"


def long(number: int, value: int) -> Property:
    """Returns a property that is a number."""
    return number, LONG, struct.pack("<I", value)


def time(number: int, value: datetime) -> Property:
    """Returns a property that is a time, in units of 100 ns since 1601."""
    return number, TIME, struct.pack("<Q", (value - TIMES_BEGIN) // timedelta(microseconds=1) * 10)


def owner(name: str, address: str) -> bytes:
    """Returns the organiser as an attribute: two texts, each after its length."""
    texts = [one.encode("cp1252") + b"\0" for one in (name, address)]
    return attribute(0x00060000, b"".join(struct.pack("<H", len(one)) + one for one in texts))


def message_class(value: str) -> bytes:
    """Returns the message class as an attribute."""
    return attribute(0x00078008, value.encode("cp1252") + b"\0")


def named(value: str) -> bytes:
    """Returns a named property as Outlook writes it: type, id, GUID, name, value."""
    name = "Keywords".encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HH16sII", UNICODE, 0x8001, bytes(range(16)), 1, len(name))
    return head + _padded(name) + _counted(value.encode("utf-16-le"))


def properties(given: Iterable[Property]) -> bytes:
    """Returns an irrelevant named property, followed by these properties."""
    all_given = list(given)
    written = [named("work")] + [
        _head(number, kind) + (value if kind in (LONG, TIME) else _counted(value))
        for number, kind, value in all_given
    ]
    return struct.pack("<I", len(written)) + b"".join(written)


def _head(number: int, kind: int) -> bytes:
    if number < 0x10000:
        return struct.pack("<HH", kind, number)
    guid = next(one for one, base in SETS.items() if base == number & ~0xFFFF)
    return struct.pack("<HH16sII", kind, 0x8002, guid, 0, number & 0xFFFF)


def uncompressed_rtf(rtf: bytes) -> bytes:
    """Returns RTF in the uncompressed form of MS-OXRTFCP."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def _counted(value: bytes) -> bytes:
    return struct.pack("<II", 1, len(value)) + _padded(value)


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
