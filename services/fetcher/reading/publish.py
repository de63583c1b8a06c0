"""Publishes messages to mail.fetched; large ones go into the blob store first."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.blobs import ArchivesMessages
from postrail.errors import TransientError
from postrail.incoming.fetched import FetchedRow
from postrail.mailbox import ReadMail
from postrail.mailbox_state.sync_state import SyncState
from postrail.observe.health import Health
from postrail.records import BlobReference, MailFetched
from postrail.stream import avro
from postrail.stream.producer import Entry, Placed, Sends
from postrail.stream.topics import MAIL_FETCHED
from services.fetcher.reading.identity import mail_id_of, source_of

LARGE_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedMail:
    """A message with its identity, to be published."""

    mail_id: str
    mailbox: str
    source: str
    # Its day is the message's place in the archive.
    fetched_at: datetime
    content: ReadMail


def named(state: SyncState, message: ReadMail, now: datetime) -> NamedMail:
    """Returns a message that was read now, with its identity."""
    return NamedMail(
        mail_id=mail_id_of(state, message.uid, message.key),
        mailbox=state.mailbox,
        source=source_of(state, message.uid, message.key),
        fetched_at=now,
        content=message,
    )


class Publisher:
    """Writes blobs, then records; the messages it returns are safe."""

    def __init__(
        self,
        *,
        producer: Sends,
        blobs: ArchivesMessages,
        health: Health,
        inline_max_bytes: int,
        archive_days: int,
    ) -> None:
        self._producer = producer
        self._blobs = blobs
        self._health = health
        self._inline_max_bytes = inline_max_bytes
        self._archive = archive_days > 0
        # Each one in flight holds parts of itself in memory.
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def publish(self, messages: Sequence[NamedMail]) -> list[FetchedRow]:
        """Returns the rows of the messages once Kafka has acknowledged every one.

        Raises TransientError before anything was sent while the blob store is unavailable, and
        FatalError when Kafka did not acknowledge.
        """
        records = [await self._record(message) for message in messages]
        entries = [
            Entry(topic=MAIL_FETCHED, key=record.mailbox, value=avro.encode(record))
            for record in records
        ]
        placed = await self._producer.send(entries)
        return [_row(record, place) for record, place in zip(records, placed, strict=True)]

    async def _record(self, mail: NamedMail) -> MailFetched:
        message = mail.content
        reference = _reference(message)
        inline = reference.size <= self._inline_max_bytes
        async with self._large if message.spool else contextlib.nullcontext():
            with self._reporting_health():
                if self._archive:
                    await self._blobs.archive(
                        mail.fetched_at.date(),
                        mail.mailbox,
                        mail.mail_id,
                        reference.size,
                        message.chunks(),
                    )
                if not inline:
                    await self._blobs.put_chunks(reference, message.chunks())
        return MailFetched(
            mail_id=mail.mail_id,
            mailbox=mail.mailbox,
            source=mail.source,
            received_at=message.received_at,
            fetched_at=mail.fetched_at,
            size=message.size,
            body=b"".join(message.chunks()) if inline else None,
            blob=None if inline else reference,
            too_large=message.full_size is not None,
        )

    @contextlib.contextmanager
    def _reporting_health(self) -> Iterator[None]:
        """Reports to the process's health whether the blob store is available."""
        try:
            yield
        except TransientError as error:
            self._health.down("blobs", str(error))
            raise
        self._health.up("blobs")


def _reference(message: ReadMail) -> BlobReference:
    if message.spool is not None:
        return BlobReference(sha256=message.spool.sha256, size=message.spool.size)
    return BlobReference(
        sha256=hashlib.sha256(message.content).hexdigest(), size=len(message.content)
    )


def _row(record: MailFetched, placed: Placed) -> FetchedRow:
    return FetchedRow(
        mail_id=record.mail_id,
        mailbox=record.mailbox,
        source=record.source,
        size=record.size,
        received_at=record.received_at,
        fetched_at=record.fetched_at,
        raw_partition=placed.partition,
        raw_offset=placed.offset,
        blob=record.blob.sha256 if record.blob else None,
    )
