"""Finds the messages in an mbox file (RFC 4155): beginning, end and key of each. Pure.

A message is identified by the hash of its From line and its content, and by its number among equal
ones. The fields that mail readers write into it (Status, X-UID, …) are left out of the hash.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO

from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.mailbox.spool import CHUNK_BYTES

# Longer lines do not begin a message.
LINE_MAX_BYTES = 1000
MAY_BEGIN = re.compile(rb"^From [^\n]{0,900}\n", re.MULTILINE)
# All programs write both; a sentence that begins with "From" and was not quoted has neither.
DAY_AND_TIME = re.compile(rb"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b[^\n]{0,30}?\d:\d\d")
DATE = re.compile(
    rb"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +([A-Z][a-z]{2}) +(\d{1,2}) +(\d{1,2}:\d\d(?::\d\d)?)"
    rb"(?: +([+-]\d{4}))?[^\n]{0,20}? (\d{4})\b"
)
# A program that quotes such lines puts one more ">" before them (mboxrd).
QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
READERS_FIELDS = re.compile(
    rb"^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length|Lines):[^\n]*\n"
    rb"(?:[ \t][^\n]*\n)*",
    re.MULTILINE | re.IGNORECASE,
)
# The message in which IMAP servers keep their own data, at the beginning of the file.
INTERNAL = b"DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"
INTERNAL_WITHIN = 4096
NEWLINES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Span:
    """A message's place in the file: its From line, its content, and the blank line after it."""

    start: int
    content_start: int
    content_end: int
    end: int
    digest: str
    key: str
    received_at: datetime | None

    @property
    def size(self) -> int:
        """Returns the bytes of its content, as they are in the file."""
        return self.content_end - self.content_start


def spans(file: BinaryIO) -> list[Span]:
    """Returns the messages of the file, in order, without the data of mail servers."""
    file.seek(0)
    lines = list(_from_lines(file))
    size = file.seek(0, 2)
    ends = [start for start, _ in lines[1:]] + [size]
    counted: Counter[str] = Counter()
    found = []
    # An empty file has an end and no message.
    for (start, content_start), end in zip(lines, ends, strict=False):
        span = _span(file, start, content_start, end, counted)
        if span is not None:
            found.append(span)
    return found


def content_of(file: BinaryIO, span: Span) -> bytes:
    """Returns the message as it was before it was written into the file."""
    return b"".join(message_chunks(file, span))


def beginning_of(file: BinaryIO, span: Span) -> bytes:
    """Returns the first chunk of the message."""
    return next(message_chunks(file, span), b"")


def message_chunks(file: BinaryIO, span: Span) -> Iterator[bytes]:
    """Yields the message as it was, by chunks of about 1 MiB, cut at line ends."""
    file.seek(span.content_start)
    left = span.size
    while left and (chunk := file.read(min(left, CHUNK_BYTES))):
        if not chunk.endswith(b"\n"):
            chunk += file.readline(left - len(chunk))
        left -= len(chunk)
        yield QUOTED.sub(rb"\1", chunk) if b"From " in chunk else chunk


def _from_lines(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yields where each From line and the line after it begin."""
    carry, read, within_line = b"", 0, False
    while chunk := file.read(CHUNK_BYTES):
        text, base = carry + chunk, read - len(carry)
        read += len(chunk)
        whole = text.rfind(b"\n") + 1
        for line in MAY_BEGIN.finditer(text, 0, whole):
            if DAY_AND_TIME.search(line[0]) and (line.start() or not within_line):
                yield base + line.start(), base + line.end()
        within_line = within_line and not whole
        carry = text[whole:]
        if len(carry) > LINE_MAX_BYTES:
            carry, within_line = b"", True


def _span(
    file: BinaryIO, start: int, content_start: int, end: int, counted: Counter[str]
) -> Span | None:
    file.seek(start)
    from_line = file.read(content_start - start)
    beginning = file.read(min(end - content_start, HEADER_MAX_BYTES))
    if not counted and INTERNAL in beginning[:INTERNAL_WITHIN]:
        return None
    ending = _ending(file, content_start, end)
    digest = _digest(file, from_line, beginning, content_start, end - len(ending))
    counted[digest] += 1
    number = "" if counted[digest] == 1 else f";n={counted[digest]}"
    return Span(
        start=start,
        content_start=content_start,
        content_end=end - _separator(ending, b"\r\n" if from_line.endswith(b"\r\n") else b"\n"),
        end=end,
        digest=digest,
        key=f"sha256={digest}{number}",
        received_at=_date(from_line),
    )


def _ending(file: BinaryIO, content_start: int, end: int) -> bytes:
    """Returns the line ends after the text; their number changes when a message is appended."""
    file.seek(max(content_start, end - NEWLINES_MAX))
    text = file.read(end - file.tell())
    return text[len(text.rstrip(b"\r\n")) :]


def _separator(ending: bytes, line_end: bytes) -> int:
    """Returns the length of the blank line after the message; 0 while it is missing."""
    return len(line_end) if ending.endswith(b"\n" + line_end) else 0


def _digest(
    file: BinaryIO, from_line: bytes, beginning: bytes, content_start: int, text_end: int
) -> str:
    digest = hashlib.sha256(from_line.strip())
    header = beginning[: min(_header_end(beginning), text_end - content_start)]
    digest.update(READERS_FIELDS.sub(b"", header))
    file.seek(content_start + len(header))
    left = text_end - content_start - len(header)
    while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _header_end(beginning: bytes) -> int:
    """Returns where the blank line after the header begins, or the end of the message."""
    places = [beginning.find(b"\n\n"), beginning.find(b"\n\r\n")]
    return min((place + 1 for place in places if place >= 0), default=len(beginning))


def _date(from_line: bytes) -> datetime | None:
    """Returns the date in the From line, which is in UTC unless it has a zone (RFC 4155)."""
    found = DATE.search(from_line)
    if found is None:
        return None
    month, day, time, zone, year = (part.decode() if part else "" for part in found.groups())
    written = f"{day} {month} {year} {time} {zone or '+0000'}"
    try:
        return parsedate_to_datetime(written).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None
