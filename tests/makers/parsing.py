"""Parses bytes as the parser process would, without Kafka or a blob store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from postrail.message_parts import BouncedRecipient
from postrail.records import BlobReference, MailFetched
from services.parser.parse import parse
from services.parser.record.make import ParsedRecord, Place, make_record
from services.parser.record.record_maker import parsed_or_not

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
INLINE_MAX_BYTES = 200 * 1024
PLACE = Place(3, 14)
MAIL_ID = "6f1f6c0e-5d0a-5c1e-9a44-2b8a3a3b0001"


def fetched(
    raw: bytes | None,
    *,
    blob: BlobReference | None = None,
    mailbox: str = "support",
    mail_id: str = MAIL_ID,
) -> MailFetched:
    """Returns a message as the fetcher sends it."""
    return MailFetched(
        mail_id=mail_id,
        mailbox=mailbox,
        source="INBOX;uidvalidity=7;uid=12",
        received_at=NOW,
        fetched_at=NOW,
        size=len(raw or b""),
        body=raw if blob is None else None,
        blob=blob,
    )


def made(
    raw: bytes, *, inline_max_bytes: int = INLINE_MAX_BYTES, mail_id: str = MAIL_ID
) -> ParsedRecord:
    """Parses bytes into a record and its blobs."""
    return make_record(
        fetched(raw, mail_id=mail_id),
        PLACE,
        raw,
        parsed_or_not(raw),
        parsed_at=NOW,
        inline_max_bytes=inline_max_bytes,
    )


def contents(result: ParsedRecord) -> list[bytes]:
    """Returns the contents that go to the blob store before the record."""
    return [blob.source.read() for blob in result.blobs]


def texts_of(value: Any) -> Iterator[str]:
    """Yields the texts in a value of a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts_of(getattr(value, field.name))


def bounced(
    text: str, subject: str = "failure notice", sender: str = "MAILER-DAEMON@b.example"
) -> list[BouncedRecipient]:
    """Returns the recipients of a bounce with this text."""
    head = f"From: {sender}\nTo: me@desk.example\nSubject: {subject}\n"
    mail = parse(f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode())
    assert mail.kind.name == "bounce", mail.kind
    assert mail.bounce is not None
    return mail.bounce.recipients


def kind_of_message(text: str, **fields: str) -> str:
    """Returns the kind of a message with this text and these fields."""
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return parse(f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode()).kind.name
