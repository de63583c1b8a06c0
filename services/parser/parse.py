"""Parses a mail: its bytes in, its structure and its attachments out. Pure, and never surprised.

Rubbish is no error: it gives a mail with defects. Only a mail whose structure cannot be followed
(its parts nest too deeply) raises MailUnparsable.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.errors import InvalidHeaderDefect
from email.feedparser import FeedParser
from email.policy import compat32
from typing import Any, cast

from postrail.records import Address
from services.parser.addresses import read_addresses, read_date, read_ids, read_message_id
from services.parser.headers import Header, read_header
from services.parser.kind import Kind, kind_of
from services.parser.parts import DEPTH_MAX, Content, MailUnparsable, Part, read_parts
from services.parser.text import cut

SUBJECT_MAX_BYTES = 4000
PIECE_BYTES = 4 * 1024
# A line of a header as the stdlib's parser knows it (printable ASCII before the colon), or the
# continuation of one.
HEADER_LINE = re.compile(rb"From |[\x21-\x39\x3b-\x7e]+:|[ \t]")
# What follows a line with one of these is certainly still the header.
CERTAIN_FIELD = re.compile(
    rb"^(?:Received|From|To|Subject|Date|Message-ID|References|In-Reply-To|MIME-Version"
    rb"|Content-Type|Content-Transfer-Encoding|Return-Path)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
HEAD_END = re.compile(rb"\r?\n\r?\n")
NOT_PARSED = Kind("human", "not known, since the mail could not be parsed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail, structured. Every text is free of NUL and of lone surrogates."""

    error: str | None
    header: Header
    subject: str
    message_id: str | None
    in_reply_to: list[str]
    references: list[str]
    date: datetime | None
    sender: Address | None
    reply_to: list[Address]
    to: list[Address]
    cc: list[Address]
    content: Content
    kind: Kind
    fingerprint: str
    defects: list[str]


def parse(data: bytes) -> Mail:
    """The mail in these bytes; raises MailUnparsable when its structure cannot be followed."""
    try:
        root = _parts_of(data)
        content = read_parts(root)
    except RecursionError as error:
        raise MailUnparsable("its parts nest too deeply") from error
    header = read_header(root.raw_items())
    defects = list(dict.fromkeys(_defects(root)))
    return _mail(header, content, root, None, defects, fingerprint=None)


def unparsed(data: bytes, error: str) -> Mail:
    """What can be said about a mail that could not be parsed: its header, and why.

    Its kind is given as human, since nothing is known; such a mail is never answered anyhow.
    """
    root = _parts_of(_head_of(data))
    header = read_header(root.raw_items())
    fingerprint = hashlib.sha256(data).hexdigest()
    return _mail(header, Content("", "", []), root, error, [], fingerprint=fingerprint)


def _parts_of(data: bytes) -> Part:
    head = _head_of(data)
    root = _fed(head)
    if root.defects and (mended := _without_junk(head)) != head:
        root = _parts_of(mended + data[len(head) :])
        root.defects.append(InvalidHeaderDefect("lines that are no fields were left out"))
        return root
    simple = root.get_content_maintype() != "multipart" and not root.is_multipart()
    # Not get_payload(): that decodes, and stumbles over a charset's name with a NUL in it.
    if simple and not root.defects and root.is_blank:
        # The stdlib's parser would read the body line by line, only to join it again.
        root.set_payload(data[len(head) :].decode("ascii", "surrogateescape"))
        return root
    return _fed(data)


def _without_junk(head: bytes) -> bytes:
    """The header without lines that are no fields, as far as certain fields follow them.

    The stdlib's parser takes the first such line, one 8-bit character in a field's name is enough,
    for the beginning of the body.
    """
    last = max((found.start() for found in CERTAIN_FIELD.finditer(head)), default=0)
    lines = head[:last].splitlines(keepends=True)
    return b"".join(line for line in lines if HEADER_LINE.match(line)) + head[last:]


def _head_of(data: bytes) -> bytes:
    """The header with the empty line after it; everything when there is none."""
    end = HEAD_END.search(data)
    return data[: end.end()] if end else data


def _fed(data: bytes) -> Part:
    parser: FeedParser[Part] = FeedParser(Part, policy=cast("Any", compat32))
    # The parser asks each open part about each line, so thousands of them would take seconds:
    # what could nest so deeply is fed in pieces, and looked at in between.
    suspect = data.lower().count(b"boundary") > DEPTH_MAX
    size = PIECE_BYTES if suspect else max(1, len(data))
    for start in range(0, len(data), size):
        # Bytes above 127 become surrogates, so that nothing is lost before its charset is known.
        parser.feed(data[start : start + size].decode("ascii", "surrogateescape"))
        if len(vars(parser)["_msgstack"]) > DEPTH_MAX + 2:
            raise MailUnparsable(f"its parts nest more than {DEPTH_MAX} deep")
    return parser.close()


def _mail(
    header: Header,
    content: Content,
    root: Part,
    error: str | None,
    defects: list[str],
    fingerprint: str | None,
) -> Mail:
    sender = _sender(header)
    if sender is None:
        defects.append("no sender")
    if not header.value("date"):
        defects.append("no date")
    message_id = read_message_id(header.all("message-id"))
    subject = cut(header.value("subject"), SUBJECT_MAX_BYTES)
    return Mail(
        error=error,
        header=header,
        subject=subject,
        message_id=message_id,
        in_reply_to=read_ids(header.all("in-reply-to")),
        references=read_ids(header.all("references")),
        date=read_date(header.value("date")),
        sender=sender,
        reply_to=read_addresses(header.all("reply-to")),
        to=read_addresses(header.all("to")),
        cc=read_addresses(header.all("cc")),
        content=content,
        kind=NOT_PARSED if error else kind_of(header, root.content_type, sender),
        fingerprint=fingerprint or _fingerprint(header, message_id, content),
        defects=defects,
    )


def _sender(header: Header) -> Address | None:
    """Who wrote it; mail without a usable From field may name somebody in these others."""
    for name in ("from", "sender", "return-path"):
        fields = header.all(name)
        if found := fields and read_addresses(fields[:1]):
            return found[0]
    return None


def _fingerprint(header: Header, message_id: str | None, content: Content) -> str:
    """What makes a mail the same mail wherever and however often it is read.

    The way it took (Received, Return-Path) is no part of it, nor is its transfer encoding.
    """
    parts = [
        message_id or "",
        header.value("from"),
        header.value("date"),
        header.value("subject"),
        content.text,
        *(attachment.sha256 for attachment in content.attachments),
    ]
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        # The length before each part: "ab" and "c" are not "a" and "bc".
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def _defects(root: Part) -> Iterator[str]:
    waiting: list[Part] = [root]
    while waiting:
        part = waiting.pop()
        yield from (type(defect).__name__ for defect in part.defects)
        waiting.extend(part.children)
