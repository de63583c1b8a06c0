"""Drops the bodies of messages; their headers stay in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.database import Connection
from postrail.records import MailParsed
from postrail.stream import avro


async def drop_bodies(connection: Connection, mails: Sequence[MailParsed]) -> None:
    """Leaves only the headers of these messages in their rows, which name no blobs any more.

    The blobs stay as long as another row names them: they are shared by content. A message that
    another process has finished in the meantime stays as it is.
    """
    await connection.execute(
        "UPDATE incoming_mail AS mail SET parsed = given.parsed, blobs = '{}'"
        " FROM unnest(%s::uuid[], %b::bytea[]) AS given(mail_id, parsed)"
        " WHERE mail.mail_id = given.mail_id AND state IN ('new', 'working', 'waiting')",
        [[mail.mail_id for mail in mails], [avro.encode(header_only(mail)) for mail in mails]],
    )


def header_only(mail: MailParsed) -> MailParsed:
    """Returns the message without its bytes, texts, attachments and events."""
    return replace(
        mail,
        raw=None,
        raw_blob=None,
        text="",
        text_blob=None,
        text_beginning="",
        new_text_beginning="",
        html="",
        html_blob=None,
        reply=None,
        reply_blob=None,
        attachments=[],
        attached_messages=[],
        signatures=[],
        events=[],
    )
