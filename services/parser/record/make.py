"""The record of a parsed mail: bounded, so that it fits into Kafka, and the blobs that it names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from postrail.records import (
    Address,
    Attachment,
    AuthenticationResult,
    BlobReference,
    Bounce,
    BouncedRecipient,
    CalendarEvent,
    HeaderField,
    MailFetched,
    MailParsed,
    ReplyParts,
)
from services.parser.content.parts import AttachedFile
from services.parser.mime.raw_bytes import View
from services.parser.mime.transfer import Encoded, plain
from services.parser.parse import Mail, whole_mail
from services.parser.text.decode import cut

# Together these stay below the 1 MiB that a record may have, with the bodies' own limit.
BODIES_INLINE_MAX_BYTES = 400 * 1024
HEADERS_MAX_BYTES = 64 * 1024
HEADER_VALUE_MAX_BYTES = 8 * 1024
HEADER_NAME_MAX_BYTES = 200
ATTACHMENTS_MAX_BYTES = 96 * 1024
SIGNATURES_MAX_BYTES = 8 * 1024
REPLY_INLINE_MAX_BYTES = 100 * 1024
BOUNCED_MAX_BYTES = 32 * 1024
AUTHENTICATION_MAX_BYTES = 16 * 1024
EVENTS_MAX_BYTES = 32 * 1024
CHARSETS_MAX = 10
ADDRESSES_MAX_BYTES = 32 * 1024
IDS_MAX_BYTES = 16 * 1024
DEFECTS_MAX = 20
ERROR_MAX_BYTES = 1000
RAW_INLINE_MAX_BYTES = 400 * 1024
# What Avro and fixed fields add to each entry of a list, at most.
ENTRY_BYTES = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mail's raw record is."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Blob:
    """Content, and under which name it goes to the blob store."""

    reference: BlobReference
    source: Encoded


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A record, and the blobs that must be in the blob store before it is sent."""

    record: MailParsed
    blobs: list[Blob]


class _Blobs:
    """Collects contents, each once, and names them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Blob] = {}

    def add(self, data: bytes) -> BlobReference:
        return self.name(BlobReference(sha256=sha256(data).hexdigest(), size=len(data)), data)

    def name(self, reference: BlobReference, data: View) -> BlobReference:
        self.by_name[reference.sha256] = Blob(reference, plain(data))
        return reference

    def add_file(self, file: AttachedFile) -> Attachment:
        reference = BlobReference(sha256=file.sha256, size=file.size)
        self.by_name.setdefault(file.sha256, Blob(reference, file.source))
        return Attachment(
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            content_id=file.content_id,
            inline=file.inline,
            sniffed_type=file.sniffed_type,
            method=file.method,
            unpacked_from=file.unpacked_from,
        )


def make_record(
    fetched: MailFetched,
    place: Place,
    raw: View,
    mail: Mail,
    *,
    parsed_at: datetime,
    inline_max_bytes: int,
) -> ParsedRecord:
    """The record of a mail. What does not fit inline goes to blobs; what is cut is a defect."""
    blobs, defects = _Blobs(), list(mail.defects)
    raw_blob = _raw_blob(fetched, raw, mail, blobs)
    text, text_blob, html, html_blob = _bodies(mail, inline_max_bytes, blobs)
    reply, reply_blob = _reply(mail.reply, blobs)
    record = MailParsed(
        mail_id=fetched.mail_id,
        mailbox=fetched.mailbox,
        source=fetched.source,
        received_at=_received_at(fetched, mail),
        fetched_at=fetched.fetched_at,
        parsed_at=parsed_at,
        size=fetched.size,
        raw_partition=place.partition,
        raw_offset=place.offset,
        raw_blob=raw_blob,
        error=None if mail.error is None else cut(mail.error, ERROR_MAX_BYTES),
        raw=raw[:] if mail.error is not None and raw_blob is None else None,
        subject=mail.subject,
        message_id=mail.message_id,
        in_reply_to=_within(mail.in_reply_to, IDS_MAX_BYTES, _text_bytes, "in_reply_to", defects),
        references=_references(mail, defects),
        date=mail.date,
        sender=mail.sender,
        reply_to=_within(mail.reply_to, ADDRESSES_MAX_BYTES, _address_bytes, "reply_to", defects),
        to=_within(mail.to, ADDRESSES_MAX_BYTES, _address_bytes, "to", defects),
        cc=_within(mail.cc, ADDRESSES_MAX_BYTES, _address_bytes, "cc", defects),
        text=text,
        text_blob=text_blob,
        html=html,
        html_blob=html_blob,
        attachments=_attachments(mail, raw, blobs, defects),
        kind=mail.kind.name,
        kind_reason=mail.kind.reason,
        fingerprint=mail.fingerprint,
        headers=_within(_header_fields(mail), HEADERS_MAX_BYTES, _field_bytes, "headers", defects),
        made_message_id=mail.made_message_id,
        conversation_id=mail.conversation_id,
        sent_by=mail.sent_by,
        bcc=_within(mail.bcc, ADDRESSES_MAX_BYTES, _address_bytes, "bcc", defects),
        delivered_to=_within(
            mail.delivered_to, IDS_MAX_BYTES, _text_bytes, "delivered_to", defects
        ),
        authentication=_within(
            mail.authentication, AUTHENTICATION_MAX_BYTES, _result_bytes, "authentication", defects
        ),
        reply=reply,
        reply_blob=reply_blob,
        bounce=_bounce(mail.bounce, defects),
        signatures=_signatures(mail, blobs, defects),
        charsets=mail.content.charsets[:CHARSETS_MAX],
        mailing_list=mail.mailing_list,
        events=_within(mail.events, EVENTS_MAX_BYTES, _event_bytes, "events", defects),
        defects=defects[:DEFECTS_MAX],
    )
    return ParsedRecord(record, list(blobs.by_name.values()))


def record_without_bytes(
    fetched: MailFetched, place: Place, mail: Mail, *, parsed_at: datetime
) -> MailParsed:
    """The record of a mail whose blob is gone: it says so and goes on naming the blob."""
    made = make_record(fetched, place, b"", mail, parsed_at=parsed_at, inline_max_bytes=1024)
    return made.record


def _received_at(fetched: MailFetched, mail: Mail) -> datetime | None:
    """As the mailbox says it; else as the mail does, unless that is still to come."""
    said = mail.last_received_at
    if fetched.received_at is None and said is not None and said <= fetched.fetched_at:
        return said
    return fetched.received_at


def _raw_blob(fetched: MailFetched, raw: View, mail: Mail, blobs: _Blobs) -> BlobReference | None:
    """Who names a blob writes it again; a mail that failed keeps its bytes, in one if it is big."""
    if fetched.blob is not None:
        return blobs.name(fetched.blob, raw) if raw else fetched.blob
    if mail.error is not None and len(raw) > RAW_INLINE_MAX_BYTES:
        return blobs.add(raw[:])
    return None


def _bodies(
    mail: Mail, inline_max_bytes: int, blobs: _Blobs
) -> tuple[str, BlobReference | None, str, BlobReference | None]:
    text, html = mail.content.text, mail.content.html
    text_bytes, html_bytes = text.encode(), html.encode()
    text_blob = html_blob = None
    if len(text_bytes) > inline_max_bytes:
        text, text_blob, text_bytes = "", blobs.add(text_bytes), b""
    room = min(inline_max_bytes, BODIES_INLINE_MAX_BYTES - len(text_bytes))
    if len(html_bytes) > room:
        html, html_blob = "", blobs.add(html_bytes)
    return text, text_blob, html, html_blob


def _attachments(mail: Mail, raw: View, blobs: _Blobs, defects: list[str]) -> list[Attachment]:
    """All attachments; when there are more than fit, the whole mail takes the place of the rest."""
    files = mail.content.attachments
    kept = _within(files, ATTACHMENTS_MAX_BYTES, _file_bytes, "attachments", defects)
    attachments = [blobs.add_file(file) for file in kept]
    if len(kept) < len(files):
        attachments.append(blobs.add_file(whole_mail(raw)))
    return attachments


def _signatures(mail: Mail, blobs: _Blobs, defects: list[str]) -> list[Attachment]:
    files = mail.content.signatures
    kept = _within(files, SIGNATURES_MAX_BYTES, _file_bytes, "signatures", defects)
    return [blobs.add_file(file) for file in kept]


def _reply(
    parts: ReplyParts | None, blobs: _Blobs
) -> tuple[ReplyParts | None, BlobReference | None]:
    if parts is None:
        return None, None
    texts = asdict(parts)
    if sum(_text_bytes(text) for text in texts.values()) <= REPLY_INLINE_MAX_BYTES:
        return parts, None
    return None, blobs.add(json.dumps(texts, ensure_ascii=False).encode())


def _bounce(bounce: Bounce | None, defects: list[str]) -> Bounce | None:
    if bounce is None:
        return None
    recipients = _within(
        bounce.recipients, BOUNCED_MAX_BYTES, _bounced_bytes, "bounced recipients", defects
    )
    return Bounce(recipients=recipients, original_message_id=bounce.original_message_id)


def _references(mail: Mail, defects: list[str]) -> list[str]:
    """The first and the last references: the middle says nothing that they do not."""
    found = mail.references
    first, rest = found[:1], found[1:]
    kept = _within(rest[::-1], IDS_MAX_BYTES, _text_bytes, "references", defects)
    return [*first, *reversed(kept)]


def _header_fields(mail: Mail) -> list[HeaderField]:
    return [
        HeaderField(
            name=cut(field.name, HEADER_NAME_MAX_BYTES),
            value=cut(field.value, HEADER_VALUE_MAX_BYTES),
        )
        for field in mail.header.fields
    ]


def _within(
    items: Iterable[Item],
    max_bytes: int,
    bytes_of: Callable[[Item], int],
    name: str,
    defects: list[str],
) -> list[Item]:
    """As many items as fit into so many bytes; a cut list is noted among the defects."""
    kept: list[Item] = []
    room = max_bytes
    for item in items:
        room -= bytes_of(item) + ENTRY_BYTES
        if room < 0:
            defects.insert(0, f"{name} cut at {len(kept)}")
            break
        kept.append(item)
    return kept


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _address_bytes(address: Address) -> int:
    return _text_bytes(address.name) + _text_bytes(address.address)


def _bounced_bytes(one: BouncedRecipient) -> int:
    return _text_bytes(one.address) + _text_bytes(one.reason)


def _result_bytes(one: AuthenticationResult) -> int:
    texts = (one.server, one.method, one.result, *one.properties)
    return sum(_text_bytes(text) for text in texts)


def _field_bytes(field: HeaderField) -> int:
    return _text_bytes(field.name) + _text_bytes(field.value)


def _file_bytes(file: AttachedFile) -> int:
    texts = (file.name, file.content_type, file.content_id or "", file.unpacked_from)
    return sum(_text_bytes(text) for text in texts)


def _event_bytes(event: CalendarEvent) -> int:
    people = [*event.attendees, *([event.organiser] if event.organiser else [])]
    texts = (event.uid, event.summary, event.location, event.zone)
    return sum(_text_bytes(text) for text in texts) + sum(
        _address_bytes(one) + ENTRY_BYTES for one in people
    )
