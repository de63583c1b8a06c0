"""Finds out whether we sent a message ourselves. Pure."""

from __future__ import annotations

from postrail.notifications.mime.message_ids import OWN_HEADER, is_ours
from postrail.records import MailParsed


def own_message(mail: MailParsed, key: bytes) -> str:
    """Returns the name of the header field that only we can have written, or "".

    `key` signs our Message-IDs. A field without a valid signature proves nothing: anyone can write
    one.
    """
    if mail.message_id and is_ours(key, mail.message_id):
        return "Message-ID"
    copies = (one.value for one in mail.headers if one.name.lower() == OWN_HEADER.lower())
    return OWN_HEADER if any(is_ours(key, value) for value in copies) else ""
