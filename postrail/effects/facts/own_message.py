"""Finds out whether we sent a message ourselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from postrail.database import Connection
from postrail.notifications.mime.message_ids import OWN_HEADER, is_ours
from postrail.outgoing.message_ids import given_among
from postrail.records import MailParsed


async def own_messages(
    connection: Connection, mails: Sequence[MailParsed], key: bytes
) -> dict[str, str]:
    """Returns the names of the header fields that show which messages are ours, by mail_id."""
    given = await given_among(connection, {one.message_id for one in mails if one.message_id})
    found = {one.mail_id: own_message(one, key, given) for one in mails}
    return {mail_id: name for mail_id, name in found.items() if name}


def own_message(mail: MailParsed, key: bytes, given: Collection[str] = ()) -> str:
    """Returns the name of the header field that only we can have written, or "". Pure.

    `key` signs our Message-IDs; `given` are those that mail systems put in their place. A field
    without a valid signature proves nothing: anyone can write one.
    """
    if mail.message_id and (mail.message_id in given or is_ours(key, mail.message_id)):
        return "Message-ID"
    copies = (one.value for one in mail.headers if one.name.lower() == OWN_HEADER.lower())
    return OWN_HEADER if any(is_ours(key, value) for value in copies) else ""
