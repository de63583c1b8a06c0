"""Parses a mail: its bytes in, its structure and its attachments out. Pure, and never surprised.

Rubbish is no error: it gives a mail with defects. What goes beyond a limit is left out and said,
and the whole mail is then attached to itself.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from postrail.records import (
    Address,
    AuthenticationResult,
    Bounce,
    CalendarEvent,
    MailingList,
    ReplyParts,
)
from services.parser.content.calendar_events import read_calendars
from services.parser.content.parts import AttachedFile, Content, read_parts
from services.parser.kind.bounce.read import read_bounce
from services.parser.kind.classify import Kind, kind_of
from services.parser.kind.signals import Marks
from services.parser.mime.addresses import (
    read_addresses,
    read_date,
    read_ids,
    read_message_id,
    read_received_at,
    read_received_for,
)
from services.parser.mime.authentication import read_authentication
from services.parser.mime.header_defects import header_defects
from services.parser.mime.headers import Header, read_header
from services.parser.mime.mailing_lists import read_list
from services.parser.mime.raw_bytes import View, chunks_of, view_of_chunks
from services.parser.mime.structure import (
    HEADER_CUT,
    HEADER_DEFECTS,
    HEADERS_MAX,
    Part,
    read_structure,
)
from services.parser.mime.transfer import plain
from services.parser.reply import split_reply
from services.parser.text.decode import cut, decode
from services.parser.text.markup import clean_html

SUBJECT_MAX_BYTES = 4000
# A line of a header (printable ASCII before the colon), or the continuation of one.
HEADER_LINE = re.compile(rb"From |[\x21-\x39\x3b-\x7e]+:|[ \t]")
# What follows a line with one of these is certainly still the header.
CERTAIN_FIELD = re.compile(
    rb"^(?:Received|From|To|Subject|Date|Message-ID|References|In-Reply-To|MIME-Version"
    rb"|Content-Type|Content-Transfer-Encoding|Return-Path)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
HEAD_END = re.compile(rb"\r?\n\r?\n")
WHOLE_MAIL = "whole-mail.eml"
# RFC 2606: never a domain of somebody's.
MADE_ID_DOMAIN = "made.invalid"
DELIVERED_TO = (
    "delivered-to",
    "x-delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-rcpt-to",
    "x-forwarded-to",
    "apparently-to",
)
NOT_ANSWERS = {"bounce", "receipt", "feedback"}
NOT_PARSED = Kind("human", "not known, since the mail could not be parsed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail, structured. Every text is free of NUL and of lone surrogates."""

    error: str | None
    header: Header
    subject: str
    message_id: str | None
    # Made from the fingerprint where the mail has none; the same mail always gets the same one.
    made_message_id: str
    in_reply_to: list[str]
    references: list[str]
    # What names the conversation: the first reference, else what is answered, else the mail itself.
    conversation_id: str
    date: datetime | None
    # When the last mail server took it in, by its own Received field.
    last_received_at: datetime | None
    # Who wrote it (From), and who sent it for somebody else (Sender).
    sender: Address | None
    sent_by: Address | None
    reply_to: list[Address]
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    delivered_to: list[str]
    authentication: list[AuthenticationResult]
    mailing_list: MailingList | None
    content: Content
    events: list[CalendarEvent]
    kind: Kind
    bounce: Bounce | None
    # None where all of the body is new, or where no person reads it as an answer.
    reply: ReplyParts | None
    fingerprint: str
    defects: list[str]


def parse(data: View) -> Mail:
    """The mail in these bytes, whatever they are."""
    root = _parts_of(data)
    content = read_parts(root)
    defects = list(dict.fromkeys([*content.cut, *content.notes, *_defects(root)]))
    if content.cut or HEADER_CUT in defects:
        content.attachments.append(whole_mail(data))
    return _mail(data, _header(root), content, root, None, defects)


def unparsed(data: View, error: str) -> Mail:
    """What can be said about a mail that could not be parsed: its header, and why.

    Its kind is given as human, since nothing is known; such a mail is never answered anyhow.
    """
    root = _parts_of(_head_of(data))
    return _mail(data, _header(root), _no_content(), root, error, [])


def _header(root: Part) -> Header:
    """The header; its raw 8-bit text is in UTF-8 (RFC 6532), or in the charset of the body."""
    if all(value.isascii() for _, value in root.fields):
        return read_header(root.fields)
    charsets = (part.content_type.parameters.get("charset") for part in (root, *root.children))
    charset = next((one for one in charsets if one), None)
    return read_header((name, _raw_text(value, charset)) for name, value in root.fields)


def _raw_text(value: str, charset: str | None) -> str:
    # An encoded word names its own charset, also where it holds such bytes.
    if value.isascii() or "=?" in value:
        return value
    data = value.encode("ascii", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return decode(data, charset)


def _no_content() -> Content:
    return Content(
        text="", html="", source="", attachments=[], signatures=[], charsets=[], cut=[], notes=[]
    )


def whole_mail(data: View) -> AttachedFile:
    """The mail itself as an attachment, where something of it was left out."""
    return AttachedFile(
        name=WHOLE_MAIL,
        content_type="message/rfc822",
        sha256=sha256_of(data),
        size=len(data),
        source=plain(data),
        content_id=None,
        inline=False,
    )


def sha256_of(data: View) -> str:
    """Of a mail's bytes as they came."""
    digest = hashlib.sha256()
    for chunk in chunks_of(data):
        digest.update(chunk)
    return digest.hexdigest()


def _parts_of(data: View) -> Part:
    if data.find(b"\n") < 0:
        data = view_of_chunks((one.replace(b"\r", b"\n") for one in chunks_of(data)), len(data))
    root = read_structure(data)
    if not HEADER_DEFECTS.isdisjoint(root.defects):
        head = _head_of(data)
        if (mended := _without_junk(head)) != head:
            chunks = itertools.chain([mended], chunks_of(data, len(head)))
            root = read_structure(view_of_chunks(chunks, len(data)))
            root.defects.append("lines of the header that are no fields were left out")
    return root


def _without_junk(head: bytes) -> bytes:
    """The header without lines that are no fields, as far as certain fields follow them.

    Else the first such line, one 8-bit character in a field's name is enough, would begin the body.
    """
    last = max((found.start() for found in CERTAIN_FIELD.finditer(head)), default=0)
    lines = head[:last].splitlines(keepends=True)
    return b"".join(line for line in lines if HEADER_LINE.match(line)) + head[last:]


def _head_of(data: View) -> bytes:
    """The header with the empty line after it; when there is none, what may be one."""
    end = HEAD_END.search(data, 0, HEADERS_MAX)
    return data[: end.end() if end else HEADERS_MAX]


def _mail(
    data: View,
    header: Header,
    content: Content,
    root: Part,
    error: str | None,
    defects: list[str],
) -> Mail:
    sender = _sender(header)
    message_id = read_message_id(header.all("message-id"))
    in_reply_to = read_ids(header.all("in-reply-to"))
    references = read_ids(header.all("references"))
    fingerprint = sha256_of(data) if error else _fingerprint(header, message_id, content)
    made_message_id = "" if message_id else f"<{fingerprint}@{MADE_ID_DOMAIN}>"
    events, broken_calendars = read_calendars(content.attachments)
    # What the winmail.dat of an invitation holds is in its calendar, where there is one.
    events = events or content.meetings
    signed = _signed(root, content)
    marked = _with_signed(header, signed)
    content_type = (signed or root).content_type
    marks = Marks(data, marked, content_type, sender, content.text, content.attachments, events)
    kind = NOT_PARSED if error else kind_of(marks)
    bounce = None
    if kind.name == "bounce":
        bounce = read_bounce(data, marked, content.text, content.attachments, sender)
    return Mail(
        error=error,
        header=header,
        subject=cut(header.value("subject"), SUBJECT_MAX_BYTES),
        message_id=message_id,
        made_message_id=made_message_id,
        in_reply_to=in_reply_to,
        references=references,
        conversation_id=[*references, *in_reply_to, message_id or made_message_id][0],
        date=read_date(header.value("date")),
        last_received_at=read_received_at(header.value("received")),
        sender=sender,
        sent_by=next(iter(read_addresses(header.all("sender")[:1])), None),
        reply_to=read_addresses(header.all("reply-to")),
        to=read_addresses(header.all("to")),
        cc=read_addresses(header.all("cc")),
        bcc=read_addresses(header.all("bcc")),
        delivered_to=_delivered_to(header),
        authentication=read_authentication(header),
        mailing_list=read_list(header),
        content=content,
        events=events,
        kind=kind,
        bounce=bounce,
        reply=None if error or kind.name in NOT_ANSWERS else _reply(header, content),
        fingerprint=fingerprint,
        defects=[*defects, *broken_calendars, *header_defects(header, sender)],
    )


def _signed(root: Part, content: Content) -> Part | None:
    """What was signed, where the whole mail is."""
    outer = content.signed or root
    if outer.content_type.value == "multipart/signed" and outer.children:
        return outer.children[0]
    return content.signed


def _with_signed(header: Header, signed: Part | None) -> Header:
    """What says of which kind a mail is: a signature hides the fields of the mail inside it."""
    return Header([*_header(signed).fields, *header.fields]) if signed else header


def _reply(header: Header, content: Content) -> ReplyParts | None:
    """The body in its parts, or None where it has only one."""
    found = split_reply(content.text, content.source, header.value("subject"))
    if not (found.quoted_text or found.signature or found.quoted_html or found.signature_html):
        return None
    return ReplyParts(
        new_text=found.new_text,
        quoted_text=found.quoted_text,
        signature=found.signature,
        new_html=clean_html(found.new_html),
        quoted_html=clean_html(found.quoted_html),
        signature_html=clean_html(found.signature_html),
    )


def _delivered_to(header: Header) -> list[str]:
    """The addresses that mail servers and forwarders note, each once, the surest first."""
    fields = [found for name in DELIVERED_TO if (found := header.all(name))]
    noted = [address.address for found in fields for address in read_addresses(found)]
    return list(dict.fromkeys([*noted, *read_received_for(header.all("received"))]))


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
        # Not what was unpacked from them: how well that is done may change.
        *(one.sha256 for one in content.attachments if not one.unpacked_from),
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
        yield from part.defects
        waiting.extend(part.children)
