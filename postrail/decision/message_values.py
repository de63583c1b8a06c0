"""The values of a message that conditions ask about."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from postrail.conditions.evaluate import MessageValues
from postrail.conditions.language.detect import language_of
from postrail.message_parts import Address
from postrail.records import MailParsed


def values_of(mail: MailParsed, *, authentication: str) -> MessageValues:
    """Returns the values of a message, without those of its issue.

    `authentication` is the verdict about its sender: pass, fail or none.
    """
    text = first_text(mail)
    sender = [mail.sender] if mail.sender else []
    recipients = [*mail.to, *mail.cc]
    headers: dict[str, list[str]] = {}
    for field in mail.headers:
        headers.setdefault(field.name.lower(), []).append(field.value)
    return MessageValues(
        texts={
            "subject": [mail.subject],
            "text": [text],
            "sender": [one.address for one in sender],
            "sender name": [one.name for one in sender],
            "sender domain": _domains(sender),
            "recipients": [one.address for one in recipients],
            "recipient domains": _domains(recipients),
            "delivered to": mail.delivered_to,
            "attachments": [one.name for one in mail.attachments],
            "attachment types": [one.content_type for one in mail.attachments],
            "kind": [mail.kind],
            "authentication": [authentication],
            "account": [mail.mailbox],
        },
        headers=headers,
        numbers={"size": mail.size, "attachment count": len(mail.attachments)},
        received_at=mail.received_at or mail.fetched_at,
        language=cache(lambda: language_of(new_text(mail))),
    )


def first_text(mail: MailParsed) -> str:
    """Returns the text, or the beginning of one that is in a blob."""
    return mail.text or mail.text_beginning


def new_text(mail: MailParsed) -> str:
    """Returns the new text of a reply, or its beginning; of another message the first text."""
    if mail.reply:
        return mail.reply.new_text
    return mail.new_text_beginning or first_text(mail)


def _domains(addresses: Iterable[Address]) -> list[str]:
    return [one.address.rpartition("@")[2] for one in addresses]
