"""TNEF, Outlook's own message format (MS-OXTNEF, MS-OXCDATA): a winmail.dat in, its content out.

The file is a sequence of attributes, some of which contain MAPI properties. Each is read once.
Checksums are ignored, since some gateways change the content without them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from services.parser.content.mapi import (
    APPOINTMENT,
    BINARY,
    MEETING,
    OBJECT,
    STRING8,
    TIME,
    UNICODE,
    BrokenError,
    read_properties,
    read_time,
)
from services.parser.content.rtf import decompress_rtf
from services.parser.text.decode import decode, storable

SIGNATURE = b"\x78\x9f\x3e\x22"
FILES_MAX = 200
# MS-OXTNEF, section 2.1.3.2: the attributes' ids without their types.
MESSAGE_PROPERTIES = 0x9003
BODY = 0x800C
SUBJECT, MESSAGE_CLASS, OWNER = 0x8004, 0x8008, 0x0000
CODE_PAGE = 0x9007
NEW_ATTACHMENT = 0x9002
ATTACHMENT_DATA = 0x800F
ATTACHMENT_TITLE = 0x8010
ATTACHMENT_PROPERTIES = 0x9005
# MS-OXPROPS: the properties' ids.
PLAIN, HTML, RTF, INTERNET_CODE_PAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
LONG_NAME, SHORT_NAME, DISPLAY_NAME = 0x3707, 0x3704, 0x3001
MIME_TAG, CONTENT_ID, DATA = 0x370E, 0x3712, 0x3701
# IID_IMessage: the object is a message, also in TNEF.
MESSAGE_IID = bytes.fromhex("0703020000000000c000000000000046")
# MS-OXOCAL and MS-OXOMSG: the time, place and people of a meeting.
START, END, WHERE = APPOINTMENT | 0x820D, APPOINTMENT | 0x820E, APPOINTMENT | 0x8208
START_DATE, END_DATE = 0x0060, 0x0061
SEQUENCE, RECURRENCE = APPOINTMENT | 0x8201, APPOINTMENT | 0x8232
GLOBAL_ID, CLEAN_GLOBAL_ID, MEETING_WHERE = MEETING | 0x03, MEETING | 0x23, MEETING | 0x02
TITLE, CLASS = 0x0037, 0x001A
# The person for whom it was sent or (a reply) received: name, SMTP address, other address.
SENT_FOR = (0x0042, 0x5D02, 0x0065)
RECEIVED_FOR = (0x0044, 0x5D08, 0x0078)
MEETING_PROPERTIES = {START, END, WHERE, START_DATE, END_DATE, GLOBAL_ID, CLEAN_GLOBAL_ID,
                  MEETING_WHERE, TITLE, CLASS, SEQUENCE, RECURRENCE, *SENT_FOR,
                  *RECEIVED_FOR}  # fmt: skip
CHARSETS = {1200: "utf-16-le", 20127: "ascii", 20866: "koi8-r", 21866: "koi8-u",
            50220: "iso-2022-jp", 51932: "euc-jp", 51949: "euc-kr", 54936: "gb18030",
            65000: "utf-7", 65001: "utf-8"}  # fmt: skip


@dataclass(slots=True)
class TnefFile:
    """A file in a winmail.dat."""

    name: str = ""
    content_type: str = ""
    content_id: str = ""
    content: bytes = b""
    # A message within the message: its content is TNEF, too.
    is_message: bool = False


@dataclass(slots=True)
class Tnef:
    """The content of a winmail.dat; "" for each form of the body that it lacks."""

    text: str = ""
    html: str = ""
    rtf: bytes = b""
    files: list[TnefFile] = field(default_factory=list)
    message_class: str = ""
    subject: str = ""
    # The organiser of a meeting: a name, and an address after its type.
    owner: tuple[str, str] = ("", "")
    # The texts and times among the properties, by their numbers.
    texts: dict[int, str] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)
    # The ids that identify an event in all calendars.
    ids: dict[int, bytes] = field(default_factory=dict)
    # Counts the changes of a meeting.
    sequence: int = 0
    # Whether everything was read up to the end.
    whole: bool = True


def read_tnef(data: bytes) -> Tnef | None:
    """Reads a winmail.dat up to its first defect; returns None for any other file."""
    if not data.startswith(SIGNATURE):
        return None
    reader = _Reader()
    try:
        for name, value in _attributes(data):
            reader.read(name, value)
    except BrokenError:
        reader.found.whole = False
    return reader.found


def charset_of(code_page: int) -> str:
    """Returns the charset of a Windows code page."""
    if 28591 <= code_page <= 28605:
        return f"iso-8859-{code_page - 28590}"
    return CHARSETS.get(code_page, f"cp{code_page}")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    # Mailers add up to two line ends after the last attribute.
    while at + 9 <= len(data):
        name, _, size = struct.unpack_from("<HHI", data, at + 1)
        if at + 9 + size > len(data):
            yield name, data[at + 9 :]
            raise BrokenError
        yield name, data[at + 9 : at + 9 + size]
        at += 9 + size + 2


class _Reader:
    """Collects the content from the attributes, in their order."""

    def __init__(self) -> None:
        self.found = Tnef()
        self._charset = "cp1252"

    def read(self, name: int, value: bytes) -> None:
        """Reads one attribute; most are ignored."""
        if name == CODE_PAGE and len(value) >= 4:
            self._charset = charset_of(int.from_bytes(value[:4], "little"))
        elif name == BODY:
            self.found.text = self.found.text or self._text(value)
        elif name == SUBJECT:
            self.found.subject = self._text(value)
        elif name == MESSAGE_CLASS:
            self.found.message_class = self._text(value)
        elif name == OWNER:
            self.found.owner = self._owner(value)
        elif name == MESSAGE_PROPERTIES:
            self._message(value)
        elif name == NEW_ATTACHMENT:
            if len(self.found.files) >= FILES_MAX:
                raise BrokenError
            self.found.files.append(TnefFile())
        elif self.found.files:
            self._attachment(self.found.files[-1], name, value)

    def _message(self, value: bytes) -> None:
        html, html_charset = b"", ""
        for number, kind, content in self._properties(value):
            if number == INTERNET_CODE_PAGE:
                html_charset = charset_of(int.from_bytes(content[:4], "little"))
            elif number == PLAIN:
                self.found.text = self._string(kind, content)
            elif number == HTML and kind == BINARY:
                html = content
            elif number == HTML:
                self.found.html = self._string(kind, content)
            elif number == RTF:
                self.found.rtf = decompress_rtf(content)
            elif number in MEETING_PROPERTIES:
                self._meeting_property(number, kind, content)
        if html:
            self.found.html = storable(decode(html.rstrip(b"\0"), html_charset or None))

    def _meeting_property(self, number: int, kind: int, content: bytes) -> None:
        if kind == TIME:
            if time := read_time(content):
                self.found.times[number] = time
        elif kind == BINARY:
            self.found.ids[number] = content
        elif number == SEQUENCE:
            self.found.sequence = int.from_bytes(content[:4], "little")
        elif text := self._string(kind, content):
            self.found.texts[number] = text

    def _owner(self, value: bytes) -> tuple[str, str]:
        """Reads a name and an address, each after its length (MS-OXTNEF, section 2.1.3.3)."""
        size = int.from_bytes(value[:2], "little")
        name, rest = value[2 : 2 + size], value[2 + size :]
        return self._text(name), self._text(rest[2 : 2 + int.from_bytes(rest[:2], "little")])

    def _attachment(self, file: TnefFile, name: int, value: bytes) -> None:
        if name == ATTACHMENT_TITLE:
            file.name = file.name or self._text(value)
        elif name == ATTACHMENT_DATA:
            file.content = value
        elif name == ATTACHMENT_PROPERTIES:
            self._attachment_properties(file, value)

    def _attachment_properties(self, file: TnefFile, value: bytes) -> None:
        found = {number: (kind, content) for number, kind, content in self._properties(value)}
        names = [self._string(*found[one]) for one in (LONG_NAME, SHORT_NAME) if one in found]
        shown = self._string(*found[DISPLAY_NAME]) if DISPLAY_NAME in found else ""
        file.name = next((one for one in names if one), file.name or shown)
        if MIME_TAG in found:
            file.content_type = self._string(*found[MIME_TAG])
        if CONTENT_ID in found:
            file.content_id = self._string(*found[CONTENT_ID])
        kind, content = found.get(DATA, (0, b""))
        if kind == OBJECT:
            file.is_message = content.startswith(MESSAGE_IID)
            file.content = content[16:]
        elif content and not file.content:
            file.content = content

    def _string(self, kind: int, content: bytes) -> str:
        if kind == UNICODE:
            return storable(content.decode("utf-16-le", "replace").rstrip("\0"))
        return self._text(content) if kind == STRING8 else ""

    def _text(self, content: bytes) -> str:
        return storable(decode(content.rstrip(b"\0"), self._charset))

    def _properties(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yields the properties before the first defect: id, type and (first) value."""
        try:
            yield from read_properties(data)
        except (BrokenError, struct.error):
            self.found.whole = False
