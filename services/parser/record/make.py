"""Makes the record of a parsed message: a `Mail` in, a bounded record and its blobs out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from postrail.incoming.reply_parts import blob_of
from postrail.message_parts import Attachment, Bounce, HeaderField, ReplyParts
from postrail.notifications.reply_marker import quotes_internal
from postrail.records import BlobReference, MailFetched, MailParsed
from services.parser.content.attachments import whole_mail
from services.parser.mime.raw_bytes import View
from services.parser.parse import Mail
from services.parser.record.attached_messages import attached_messages
from services.parser.record.blobs import Blob, CollectedBlobs
from services.parser.record.limits import (
    ADDRESSES_MAX_BYTES,
    ATTACHMENTS_MAX_BYTES,
    AUTHENTICATION_MAX_BYTES,
    BODIES_INLINE_MAX_BYTES,
    BOUNCED_MAX_BYTES,
    CHARSETS_MAX,
    DEFECTS_MAX,
    ERROR_MAX_BYTES,
    EVENTS_MAX_BYTES,
    HEADER_NAME_MAX_BYTES,
    HEADER_VALUE_MAX_BYTES,
    HEADERS_MAX_BYTES,
    IDS_MAX_BYTES,
    RAW_INLINE_MAX_BYTES,
    REPLY_INLINE_MAX_BYTES,
    SIGNATURES_MAX_BYTES,
    address_bytes,
    beginning_of,
    event_bytes,
    field_bytes,
    file_bytes,
    fitting,
    recipient_bytes,
    result_bytes,
    text_bytes,
)
from services.parser.text.decode import cut


@dataclass(frozen=True, slots=True)
class Place:
    """The place of the fetched record in its topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A record, and the blobs that must be in the blob store before it is sent."""

    record: MailParsed
    blobs: list[Blob]


def make_record(
    fetched: MailFetched,
    place: Place,
    raw: View,
    mail: Mail,
    *,
    parsed_at: datetime,
    inline_max_bytes: int,
) -> ParsedRecord:
    """Makes the record. Texts that do not fit inline go to blobs; cut lists become defects."""
    blobs, defects = CollectedBlobs(), list(mail.defects)
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
        in_reply_to=fitting(mail.in_reply_to, IDS_MAX_BYTES, text_bytes, "in_reply_to", defects),
        references=_references(mail, defects),
        date=mail.date,
        sender=mail.sender,
        reply_to=fitting(mail.reply_to, ADDRESSES_MAX_BYTES, address_bytes, "reply_to", defects),
        to=fitting(mail.to, ADDRESSES_MAX_BYTES, address_bytes, "to", defects),
        cc=fitting(mail.cc, ADDRESSES_MAX_BYTES, address_bytes, "cc", defects),
        text=text,
        text_blob=text_blob,
        text_beginning=beginning_of(mail.content.text) if text_blob else "",
        html=html,
        html_blob=html_blob,
        attachments=_attachments(mail, raw, blobs, defects),
        kind=mail.kind.name,
        kind_reason=mail.kind.reason,
        fingerprint=mail.fingerprint,
        headers=fitting(_header_fields(mail), HEADERS_MAX_BYTES, field_bytes, "headers", defects),
        made_message_id=mail.made_message_id,
        conversation_id=mail.conversation_id,
        sent_by=mail.sent_by,
        bcc=fitting(mail.bcc, ADDRESSES_MAX_BYTES, address_bytes, "bcc", defects),
        delivered_to=fitting(mail.delivered_to, IDS_MAX_BYTES, text_bytes, "delivered_to", defects),
        authentication=fitting(
            mail.authentication, AUTHENTICATION_MAX_BYTES, result_bytes, "authentication", defects
        ),
        reply=reply,
        reply_blob=reply_blob,
        new_text_beginning=beginning_of(mail.reply.new_text) if mail.reply and reply_blob else "",
        bounce=_bounce(mail.bounce, defects),
        report=mail.report,
        signatures=_signatures(mail, blobs, defects),
        charsets=mail.content.charsets[:CHARSETS_MAX],
        mailing_list=mail.mailing_list,
        events=fitting(mail.events, EVENTS_MAX_BYTES, event_bytes, "events", defects),
        defects=defects[:DEFECTS_MAX],
        attached_messages=attached_messages(mail.content.attachments),
        quotes_internal=any(map(quotes_internal, _texts(mail))),
    )
    return ParsedRecord(record, list(blobs.by_name.values()))


def _received_at(fetched: MailFetched, mail: Mail) -> datetime | None:
    """Returns the time given by the mailbox, else by the message unless it is in the future."""
    said = mail.last_received_at
    if fetched.received_at is None and said is not None and said <= fetched.fetched_at:
        return said
    return fetched.received_at


def _raw_blob(
    fetched: MailFetched, raw: View, mail: Mail, blobs: CollectedBlobs
) -> BlobReference | None:
    """Returns the blob of the raw bytes: the fetched one, or a new one for a large failed message.

    The fetched one is written again, so that each record refers to blobs that are in the store.
    """
    if fetched.blob is not None:
        return blobs.add_known(fetched.blob, raw) if raw else fetched.blob
    if mail.error is not None and len(raw) > RAW_INLINE_MAX_BYTES:
        return blobs.add(raw[:])
    return None


def _bodies(
    mail: Mail, inline_max_bytes: int, blobs: CollectedBlobs
) -> tuple[str, BlobReference | None, str, BlobReference | None]:
    text, html = mail.content.text, mail.content.html
    text_bytes, html_bytes = text.encode(), html.encode()
    text_blob = html_blob = None
    if len(text_bytes) > inline_max_bytes:
        text, text_blob = "", blobs.add(text_bytes)
        text_bytes = beginning_of(mail.content.text).encode()
    html_max_bytes = min(inline_max_bytes, BODIES_INLINE_MAX_BYTES - len(text_bytes))
    if len(html_bytes) > html_max_bytes:
        html, html_blob = "", blobs.add(html_bytes)
    return text, text_blob, html, html_blob


def _attachments(
    mail: Mail, raw: View, blobs: CollectedBlobs, defects: list[str]
) -> list[Attachment]:
    """Lists the attachments; the whole message replaces those that do not fit."""
    files = mail.content.attachments
    kept = fitting(files, ATTACHMENTS_MAX_BYTES, file_bytes, "attachments", defects)
    attachments = [blobs.add_file(file) for file in kept]
    if len(kept) < len(files):
        attachments.append(blobs.add_file(whole_mail(raw)))
    return attachments


def _signatures(mail: Mail, blobs: CollectedBlobs, defects: list[str]) -> list[Attachment]:
    files = mail.content.signatures
    kept = fitting(files, SIGNATURES_MAX_BYTES, file_bytes, "signatures", defects)
    return [blobs.add_file(file) for file in kept]


def _reply(
    parts: ReplyParts | None, blobs: CollectedBlobs
) -> tuple[ReplyParts | None, BlobReference | None]:
    if parts is None:
        return None, None
    if sum(text_bytes(text) for text in asdict(parts).values()) <= REPLY_INLINE_MAX_BYTES:
        return parts, None
    return None, blobs.add(blob_of(parts))


def _bounce(bounce: Bounce | None, defects: list[str]) -> Bounce | None:
    if bounce is None:
        return None
    recipients = fitting(
        bounce.recipients, BOUNCED_MAX_BYTES, recipient_bytes, "bounced recipients", defects
    )
    return replace(bounce, recipients=recipients)


def _references(mail: Mail, defects: list[str]) -> list[str]:
    """Keeps the first and the last references, as the middle adds no information."""
    found = mail.references
    first, rest = found[:1], found[1:]
    kept = fitting(rest[::-1], IDS_MAX_BYTES, text_bytes, "references", defects)
    return [*first, *reversed(kept)]


def _texts(mail: Mail) -> list[str]:
    said = [text for event in mail.events for text in (event.description, event.comment)]
    return [mail.content.text, *said]


def _header_fields(mail: Mail) -> list[HeaderField]:
    return [
        HeaderField(
            name=cut(field.name, HEADER_NAME_MAX_BYTES),
            value=cut(field.value, HEADER_VALUE_MAX_BYTES),
        )
        for field in mail.header.fields
    ]
