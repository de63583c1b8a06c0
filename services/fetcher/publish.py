"""Puts mails where nothing loses them: large ones into the blob store, all into mail.fetched."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from postrail.blobs import ArchivesMessages
from postrail.clock import Clock
from postrail.errors import TransientError
from postrail.incoming.fetched import FetchedRow
from postrail.mailbox import ReadMail
from postrail.mailbox_state.sync_state import SyncState
from postrail.observe.health import Health
from postrail.records import BlobReference, MailFetched
from postrail.stream import avro
from postrail.stream.producer import Entry, Placed, Sends
from postrail.stream.topics import MAIL_FETCHED
from services.fetcher.identity import mail_id_of, source_of

LARGE_AT_ONCE = 2


class Publisher:
    """Writes blobs, then records; what it returns is safe."""

    def __init__(
        self,
        *,
        producer: Sends,
        blobs: ArchivesMessages,
        health: Health,
        clock: Clock,
        inline_max_bytes: int,
        archive_days: int,
    ) -> None:
        self._producer = producer
        self._blobs = blobs
        self._health = health
        self._clock = clock
        self._inline_max_bytes = inline_max_bytes
        self._archive = archive_days > 0
        # Each one under way holds parts of itself in memory.
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def publish(self, state: SyncState, mails: Sequence[ReadMail]) -> list[FetchedRow]:
        """Returns the rows of the mails once Kafka has acknowledged every one.

        Raises TransientError while the blob store is away (nothing was sent then), and FatalError
        when Kafka did not acknowledge.
        """
        now = self._clock.now()
        records = [await self._record(state, mail, now) for mail in mails]
        entries = [
            Entry(topic=MAIL_FETCHED, key=record.mailbox, value=avro.encode(record))
            for record in records
        ]
        placed = await self._producer.send(entries)
        return [_row(record, place) for record, place in zip(records, placed, strict=True)]

    async def _record(self, state: SyncState, mail: ReadMail, now: datetime) -> MailFetched:
        mail_id = mail_id_of(state, mail.uid, mail.key)
        reference = _reference(mail)
        inline = reference.size <= self._inline_max_bytes
        async with self._large if mail.spool else contextlib.nullcontext():
            with self._told():
                if self._archive:
                    await self._blobs.archive(
                        now.date(), state.mailbox, mail_id, reference.size, mail.chunks()
                    )
                if not inline:
                    await self._blobs.put_chunks(reference, mail.chunks())
        return MailFetched(
            mail_id=mail_id,
            mailbox=state.mailbox,
            source=source_of(state, mail.uid, mail.key),
            received_at=mail.received_at,
            fetched_at=now,
            size=mail.size,
            body=b"".join(mail.chunks()) if inline else None,
            blob=None if inline else reference,
            too_large=mail.full_size is not None,
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tells the process's health whether the blob store is there."""
        try:
            yield
        except TransientError as error:
            self._health.down("blobs", str(error))
            raise
        self._health.up("blobs")


def _reference(mail: ReadMail) -> BlobReference:
    if mail.spool is not None:
        return BlobReference(sha256=mail.spool.sha256, size=mail.spool.size)
    return BlobReference(sha256=hashlib.sha256(mail.content).hexdigest(), size=len(mail.content))


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
