"""Parses a message: its bytes in, its structure and its attachments out. Pure; accepts any bytes.

Broken input gives a message with defects. What exceeds a limit is left out and noted as a defect,
and the whole message then becomes one of its own attachments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.message_parts import (
    Address,
    AuthenticationResult,
    Bounce,
    CalendarEvent,
    MailingList,
    MessageReport,
    ReplyParts,
)
from services.parser.content.attachments import whole_mail
from services.parser.content.calendars import read_calendars
from services.parser.content.fingerprint import fingerprint_of
from services.parser.content.parts import Content, read_parts
from services.parser.kind.bounce.read import read_bounce
from services.parser.kind.classify import Kind, kind_of
from services.parser.kind.reported import read_report
from services.parser.kind.signals import Signals
from services.parser.mime.addresses import (
    read_addresses,
    read_date,
    read_delivered_to,
    read_ids,
    read_message_id,
    read_received_at,
    read_sender,
)
from services.parser.mime.authentication import read_authentication
from services.parser.mime.header_defects import header_defects
from services.parser.mime.headers import SUBJECT_MAX_BYTES, Header
from services.parser.mime.mailing_lists import read_list
from services.parser.mime.raw_bytes import View, sha256_of
from services.parser.mime.repair import head_of, header_of, read_any_structure
from services.parser.mime.structure import HEADER_CUT, Part
from services.parser.reply.split import split_reply
from services.parser.text.decode import cut
from services.parser.text.markup import clean_html

# RFC 2606 reserves the domain, so that the ids are never those of a real server.
MADE_ID_DOMAIN = "made.invalid"
REPORTS = {"receipt", "feedback"}
NOT_REPLIES = {"bounce", "probe", "receipt", "feedback", "stand_in"}
NOT_PARSED = Kind("human", "not known, since the mail could not be parsed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A parsed message. Every text is free of NUL and of lone surrogates."""

    error: str | None
    header: Header
    subject: str
    message_id: str | None
    # Derived from the fingerprint of a message without an id, which therefore always gets the same.
    made_message_id: str
    in_reply_to: list[str]
    references: list[str]
    # The first reference, else the message that is answered, else the message itself.
    conversation_id: str
    date: datetime | None
    # When the last mail server received it, according to its Received field.
    last_received_at: datetime | None
    # The author (From), and the person who sent it for the author (Sender).
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
    # Of a receipt or a complaint.
    report: MessageReport | None
    # None if the whole body is new text, and for kinds that cannot be replies.
    reply: ReplyParts | None
    fingerprint: str
    defects: list[str]


def parse(data: View) -> Mail:
    """Parses the bytes of one message, whatever they are."""
    root = read_any_structure(data)
    content = read_parts(root)
    defects = list(dict.fromkeys([*content.cut, *content.notes, *root.tree_defects()]))
    if content.cut or HEADER_CUT in defects:
        content.attachments.append(whole_mail(data))
    return _mail(data, header_of(root), content, root, None, defects)


def unparsed(data: View, error: str) -> Mail:
    """Returns what the header of a message says that could not be parsed, and the error.

    Its kind is given as human, since the real one is unknown; such a message is never answered.
    """
    root = read_any_structure(head_of(data))
    return _mail(data, header_of(root), _empty_content(), root, error, [])


def _empty_content() -> Content:
    return Content(
        text="", html="", source="", attachments=[], signatures=[], charsets=[], cut=[], notes=[]
    )


def _mail(
    data: View,
    header: Header,
    content: Content,
    root: Part,
    error: str | None,
    defects: list[str],
) -> Mail:
    sender = read_sender(header)
    message_id = read_message_id(header.all("message-id"))
    in_reply_to = read_ids(header.all("in-reply-to"))
    references = read_ids(header.all("references"))
    fingerprint = sha256_of(data) if error else fingerprint_of(header, message_id, content)
    made_message_id = "" if message_id else f"<{fingerprint}@{MADE_ID_DOMAIN}>"
    events, broken_calendars = read_calendars(content.attachments)
    # An invitation may hold the same meeting twice: as a calendar and in its winmail.dat.
    events = events or content.meetings
    signed = _signed_part(root, content)
    full_header = _with_signed_fields(header, signed)
    content_type = (signed or root).content_type
    signals = Signals(
        data, full_header, content_type, sender, content.text, content.attachments, events
    )
    kind = NOT_PARSED if error else kind_of(signals)
    bounce = None
    if kind.name == "bounce":
        bounce = read_bounce(data, full_header, content.text, content.attachments)
    report = None
    if kind.name in REPORTS:
        report = read_report(kind.name, full_header, content.text, content.attachments)
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
        delivered_to=read_delivered_to(header),
        authentication=read_authentication(header),
        mailing_list=read_list(header),
        content=content,
        events=events,
        kind=kind,
        bounce=bounce,
        report=report,
        reply=None if error or kind.name in NOT_REPLIES else _reply(header, content),
        fingerprint=fingerprint,
        defects=[*defects, *broken_calendars, *header_defects(header, sender)],
    )


def _signed_part(root: Part, content: Content) -> Part | None:
    """Returns the signed part if the signature encloses the whole message."""
    outer = content.signed or root
    if outer.content_type.value == "multipart/signed" and outer.children:
        return outer.children[0]
    return content.signed


def _with_signed_fields(header: Header, signed: Part | None) -> Header:
    """Adds the fields of the signed message, which may say what kind of message it is."""
    return Header([*header_of(signed).fields, *header.fields]) if signed else header


def _reply(header: Header, content: Content) -> ReplyParts | None:
    """Splits the body; None if it has only one part."""
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
