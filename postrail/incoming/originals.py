"""Reads messages as they came from their mailboxes, wherever their bytes are kept."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

from postrail.blobs import BlobMissing, BlobStore
from postrail.database import Transactions, rows_as
from postrail.errors import PermanentError
from postrail.records import BlobReference, MailParsed
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.reader import read_record
from postrail.stream.topics import MAIL_FETCHED


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """What the row of a message says about the places of its bytes."""

    mailbox: str
    source: str
    fetched_at: datetime
    raw_partition: int | None
    raw_offset: int | None
    parsed: bytes | None


class Originals:
    """Looks in the row of a message and its blob, in its record, and in the archive."""

    def __init__(self, transactions: Transactions, kafka: KafkaSettings, blobs: BlobStore) -> None:
        self._transactions = transactions
        self._kafka = kafka
        self._blobs = blobs

    async def read(self, mail_id: str) -> bytes:
        """Returns the bytes of the message; of one that was too large, its header.

        Raises PermanentError when no place has them any more, and TransientError while PostgreSQL,
        Kafka or the blob store is unavailable.
        """
        row = await self._row(mail_id)
        content = await self._of_row(row)
        if content is None:
            content = await self._of_record(row, mail_id)
        if content is None:
            content = await self._archived(row, mail_id)
        if content is None:
            raise PermanentError(
                f"nothing has the bytes of message {mail_id} any more: no record of mail.fetched,"
                " no blob, no archive",
                remedy=f"Look for it in its mailbox: {row.mailbox}, {row.source}",
            )
        return content

    async def _row(self, mail_id: str) -> _Row:
        async with self._transactions() as connection:
            found = await rows_as(
                connection,
                _Row,
                "SELECT mailbox, source, fetched_at, raw_partition, raw_offset, parsed"
                " FROM incoming_mail WHERE mail_id = %s",
                [mail_id],
                binary=True,
            )
        if not found:
            raise PermanentError(f"there is no message {mail_id}")
        return found[0]

    async def _of_row(self, row: _Row) -> bytes | None:
        record = avro.decode(row.parsed) if row.parsed is not None else None
        if not isinstance(record, MailParsed):
            return None
        return await self._inline_or_blob(record.raw, record.raw_blob)

    async def _of_record(self, row: _Row, mail_id: str) -> bytes | None:
        if row.raw_partition is None or row.raw_offset is None:
            return None
        try:
            record = await read_record(self._kafka, MAIL_FETCHED, row.raw_partition, row.raw_offset)
        except PermanentError:
            return None
        # In a topic that was made anew, another message may have its place.
        if record.mail_id != mail_id:
            return None
        return await self._inline_or_blob(record.body, record.blob)

    async def _inline_or_blob(
        self, content: bytes | None, blob: BlobReference | None
    ) -> bytes | None:
        if content is not None or blob is None:
            return content
        try:
            return await self._blobs.get(blob.sha256)
        except BlobMissing:
            return None

    async def _archived(self, row: _Row, mail_id: str) -> bytes | None:
        file = io.BytesIO()
        day = row.fetched_at.date()
        if await self._blobs.read_archived(day, row.mailbox, mail_id, file):
            return file.getvalue()
        return None
