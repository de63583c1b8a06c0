"""Makes the record of a message that no mailbox delivered: for commands that try it. Pure."""

from __future__ import annotations

from datetime import datetime

from postrail.records import MailFetched, MailParsed
from services.parser.record.make import Place, make_record
from services.parser.record.record_maker import parsed_or_not

NOWHERE = Place(partition=0, offset=0)


def record_of(
    raw: bytes,
    *,
    mail_id: str,
    mailbox: str,
    source: str,
    now: datetime,
    received_at: datetime | None = None,
    inline_max_bytes: int,
) -> MailParsed:
    """Returns the record as the parser would make it of these bytes, read from the mailbox now."""
    fetched = MailFetched(
        mail_id=mail_id,
        mailbox=mailbox,
        source=source,
        received_at=received_at,
        fetched_at=now,
        size=len(raw),
        body=raw,
        blob=None,
    )
    mail = parsed_or_not(raw)
    made = make_record(
        fetched, NOWHERE, raw, mail, parsed_at=now, inline_max_bytes=inline_max_bytes
    )
    return made.record
