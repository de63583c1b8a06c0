"""Makes dead letters of records that do not decode: their bytes, their place and the error.

One record that does not decode is a bad record. Many in a row, from several mailboxes, show that
this release cannot read another one's records: then the stage pauses and gives no record up.
"""

from __future__ import annotations

from datetime import datetime

from postrail.errors import TransientError
from postrail.records import MailDead
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.received import RawRecord
from postrail.stream.topics import MAIL_DEAD

IN_A_ROW = 20
FROM_MAILBOXES = 3


class BadReleaseError(TransientError):
    """Many records in a row do not decode: the fault is likely in this release."""


class DeadLetters:
    """Counts the records in a row that did not decode, and makes dead letters of them."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._in_a_row: list[bytes | None] = []

    def decoded(self) -> None:
        """Ends the row: a record decoded."""
        self._in_a_row.clear()

    def letter(self, record: RawRecord, error: Exception, now: datetime) -> Entry:
        """Returns the dead letter of a record; raises BadReleaseError for too many in a row."""
        self._in_a_row.append(record.key)
        if len(self._in_a_row) > IN_A_ROW and len(set(self._in_a_row)) >= FROM_MAILBOXES:
            self._in_a_row.pop()
            raise BadReleaseError(
                f"{IN_A_ROW} records in a row of {record.topic} do not decode: {error}",
                remedy="Check what was released last; the stage resumes by itself with a release"
                " that can read them",
            )
        dead = MailDead(
            service=self._service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            error=str(error),
            died_at=now,
        )
        return Entry(MAIL_DEAD, (record.key or b"").decode("utf-8", "replace"), avro.encode(dead))
