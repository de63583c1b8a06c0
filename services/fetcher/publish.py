"""Puts mails where nothing loses them: large ones into the blob store, all into mail.fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from postrail.clock import Clock
from postrail.errors import TransientError
from postrail.mailbox import ReadMail
from postrail.mails.incoming import FetchedRow
from postrail.mails.sync_state import SyncState
from postrail.observe.health import Health
from postrail.records import BlobReference, MailFetched
from postrail.stream import avro
from postrail.stream.producer import Entry, Placed, Sends
from postrail.stream.topics import MAIL_FETCHED
from services.fetcher.identity import mail_id_of, source_of


class Blobs(Protocol):
    """The part of the blob store that is needed here."""

    async def put(self, data: bytes) -> BlobReference:
        """Keeps the data; raises TransientError while the store is away."""

    async def archive(self, day: date, mailbox: str, mail_id: str, data: bytes) -> None:
        """Keeps a raw mail by day and mailbox; raises TransientError while the store is away."""


class Publisher:
    """Writes blobs, then records; what it returns is safe."""

    def __init__(
        self,
        *,
        producer: Sends,
        blobs: Blobs,
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
        if self._archive:
            await self._keep(state.mailbox, mail_id, mail, now)
        inline = len(mail.content) <= self._inline_max_bytes
        return MailFetched(
            mail_id=mail_id,
            mailbox=state.mailbox,
            source=source_of(state, mail.uid, mail.key),
            received_at=mail.received_at,
            fetched_at=now,
            size=mail.size,
            body=mail.content if inline else None,
            blob=None if inline else await self._put(mail.content),
            too_large=mail.full_size is not None,
        )

    async def _put(self, content: bytes) -> BlobReference:
        try:
            reference = await self._blobs.put(content)
        except TransientError as error:
            self._health.down("blobs", str(error))
            raise
        self._health.up("blobs")
        return reference

    async def _keep(self, mailbox: str, mail_id: str, mail: ReadMail, now: datetime) -> None:
        try:
            await self._blobs.archive(now.date(), mailbox, mail_id, mail.content)
        except TransientError as error:
            self._health.down("blobs", str(error))
            raise
        self._health.up("blobs")


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
