"""The report of a parsed message: a file, bytes or a `Mail` in, an object for JSON out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from postrail.incoming.calendar_text import text_of_events
from postrail.message_parts import Address, Bounce, CalendarEvent
from services.parser.content.attachments import AttachedFile
from services.parser.mime.raw_bytes import View, view_of
from services.parser.parse import Mail, parse, unparsed


def report_of_file(path: Path) -> dict[str, object]:
    """Parses the message in a file; raises OSError if the file cannot be read."""
    with path.open("rb") as file:
        return report_of(view_of(file))


def report_of(data: View) -> dict[str, object]:
    """Parses bytes; never raises."""
    try:
        return report(parse(data))
    # As in the pipeline, a defect of the parser becomes the error of one message.
    except Exception as error:  # noqa: BLE001
        return report(unparsed(data, f"the parser failed: {type(error).__name__}: {error}"))


def report(mail: Mail) -> dict[str, object]:
    """Returns the message's fields by name; attachments without their content."""
    return {
        "subject": mail.subject,
        "from": _one(mail.sender),
        "to": _all(mail.to),
        "cc": _all(mail.cc),
        "bcc": _all(mail.bcc),
        "sender": _one(mail.sent_by),
        "reply_to": _all(mail.reply_to),
        "delivered_to": mail.delivered_to,
        "message_id": mail.message_id,
        "made_message_id": mail.made_message_id,
        "conversation_id": mail.conversation_id,
        "in_reply_to": " ".join(mail.in_reply_to),
        "references": mail.references,
        "date": mail.date.isoformat() if mail.date else None,
        "last_received_at": mail.last_received_at.isoformat() if mail.last_received_at else None,
        "mailing_list": dataclasses.asdict(mail.mailing_list) if mail.mailing_list else {},
        "text": mail.content.text,
        "html": mail.content.html,
        "charsets": mail.content.charsets,
        "reply_text": mail.reply.new_text if mail.reply else mail.content.text,
        "quoted_text": mail.reply.quoted_text if mail.reply else "",
        "signature": mail.reply.signature if mail.reply else "",
        "reply_html": mail.reply.new_html if mail.reply else mail.content.html,
        "quoted_html": mail.reply.quoted_html if mail.reply else "",
        # As the sender sent them; files that were found in them are listed separately.
        "attachments": [_file(one) for one in mail.content.attachments if not one.unpacked_from],
        "unpacked": [_file(one) for one in mail.content.attachments if one.unpacked_from],
        "events": [_event(event) for event in mail.events],
        "calendar": _calendar(mail),
        "signatures": [_file(file) for file in mail.content.signatures],
        "kind": mail.kind.name,
        "kind_reason": mail.kind.reason,
        "is_bounce": mail.kind.name == "bounce",
        "is_auto_reply": mail.kind.name == "auto_reply",
        # Mass mail and messages by programs, which expect no answer.
        "is_bulk": mail.kind.name in ("bulk", "auto_generated", "stand_in"),
        "bounce": _bounce(mail.bounce),
        "authentication": [dataclasses.asdict(one) for one in mail.authentication],
        "defects": mail.defects,
        "error": mail.error,
    }


def _bounce(bounce: Bounce | None) -> dict[str, object]:
    if bounce is None:
        return {}
    recipients = bounce.recipients
    statuses = [one.status for one in recipients] or [bounce.status]
    return {
        "recipients": [one.address for one in recipients],
        "statuses": [one for one in statuses if one],
        "action": recipients[0].action if recipients else "",
        "original_message_id": bounce.original_message_id,
        "details": [dataclasses.asdict(one) for one in recipients],
    }


def _one(address: Address | None) -> str | None:
    return _shown(address) if address else None


def _all(addresses: list[Address]) -> list[str]:
    return [_shown(address) for address in addresses]


def _shown(address: Address) -> str:
    # formataddr would encode the name, but a report is for reading.
    name = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.address}>' if name else address.address


def _file(file: AttachedFile) -> dict[str, object]:
    return {
        "name": file.name,
        "content_type": file.content_type,
        "size": file.size,
        "sha256": file.sha256,
        "content_id": file.content_id,
        "inline": file.inline,
        "sniffed_type": file.sniffed_type,
        "method": file.method,
        "unpacked_from": file.unpacked_from,
    }


def _calendar(mail: Mail) -> str:
    """Returns the events in words, as issues show them."""
    text = mail.content.text
    return text_of_events(mail.events, text, has_text=bool(text.strip()))


def _event(event: CalendarEvent) -> dict[str, object]:
    return dataclasses.asdict(event) | {
        "organiser": _one(event.organiser),
        "attendees": _all(event.attendees),
    }
