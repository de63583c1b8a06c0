"""Records for tests, with defaults for every field."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from postrail.message_parts import Address, AuthenticationResult, CalendarEvent, HeaderField
from postrail.records import MailFetched, MailParsed, R
from postrail.stream import avro
from postrail.stream.received import Received

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# The name under which the mail servers of our own state who sent a message.
AUTHSERV_ID = "mx.example.com"


def mail_parsed(**changes: Any) -> MailParsed:
    """Returns a parsed message of a customer to the help desk."""
    mail_id = changes.get("mail_id") or str(uuid.uuid4())
    fields: dict[str, Any] = {
        "mail_id": mail_id,
        "mailbox": "support",
        "source": f"INBOX;uidvalidity=1;uid={abs(hash(mail_id)) % 100000}",
        "received_at": NOON,
        "fetched_at": NOON,
        "parsed_at": NOON,
        "size": 1000,
        "raw_partition": 0,
        "raw_offset": 0,
        "raw_blob": None,
        "error": None,
        "raw": None,
        "subject": "Printer on fire",
        "message_id": f"<{mail_id}@example.org>",
        "in_reply_to": [],
        "references": [],
        "date": NOON,
        "sender": Address(name="Ada", address="ada@example.org"),
        "reply_to": [],
        "to": [Address(name="", address="support@example.com")],
        "cc": [],
        "text": "It burns.",
        "text_blob": None,
        "html": "",
        "html_blob": None,
        "attachments": [],
        "kind": "human",
        "kind_reason": "",
        "fingerprint": hashlib.sha256(mail_id.encode()).hexdigest(),
        "headers": [],
        "defects": [],
    }
    return MailParsed(**{**fields, **changes})


def verified(mail: MailParsed) -> MailParsed:
    """Returns the message with a statement of our own server that it is from its sender."""
    passed = AuthenticationResult(
        server=AUTHSERV_ID, method="dmarc", result="pass", properties=[], position=0
    )
    sender = mail.sender
    written = HeaderField(name="From", value=f"<{sender.address}>" if sender else "")
    return replace(mail, authentication=[passed], headers=[*mail.headers, written])


def calendar_event(**changes: Any) -> CalendarEvent:
    """Returns a new invitation."""
    fields: dict[str, Any] = {
        "method": "REQUEST",
        "uid": "1@example.org",
        "summary": "Look at the lamp",
        "location": "",
        "status": "",
        "start": "2026-12-01T10:00:00+00:00",
        "end": "",
        "zone": "UTC",
        "organiser": None,
        "attendees": [],
    }
    return CalendarEvent(**{**fields, **changes})


def mail_fetched(**changes: Any) -> MailFetched:
    """Returns a fetched message with its bytes inline."""
    fields: dict[str, Any] = {
        "mail_id": str(uuid.uuid4()),
        "mailbox": "support",
        "source": "INBOX;uidvalidity=1;uid=1",
        "received_at": NOON,
        "fetched_at": NOON,
        "size": 20,
        "body": b"Subject: hello\r\n\r\nhi\r\n",
        "blob": None,
    }
    return MailFetched(**{**fields, **changes})


def received(record: R, offset: int = 0, partition: int = 0, topic: str = "t") -> Received[R]:
    """Returns a record as the consumer loop gives it to a stage."""
    return Received(
        topic=topic,
        partition=partition,
        offset=offset,
        key="support",
        timestamp_ms=0,
        size=len(avro.encode(record)),
        record=record,
    )
