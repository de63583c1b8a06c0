"""Reads the few fields of a message that are kept when Graph cannot send its content. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postrail.mailbox import KnownFields

LONGEST_FIELD = 1000


def known_fields(message: Mapping[str, Any], received_at: datetime | None) -> KnownFields:
    """Returns the fields in a message resource; values of another form count as missing."""
    sender = message.get("from")
    address = sender.get("emailAddress") if isinstance(sender, Mapping) else None
    return KnownFields(
        subject=_text(message.get("subject")),
        sender=_text(address.get("address")) if isinstance(address, Mapping) else "",
        message_id=_text(message.get("internetMessageId")) or None,
        received_at=received_at,
    )


def _text(value: object) -> str:
    return value[:LONGEST_FIELD] if isinstance(value, str) else ""
