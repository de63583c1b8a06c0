"""The parser's step: reads a fetched message's bytes, stores its blobs, sends its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from postrail.blobs import BlobMissing, ReadsBlobs
from postrail.clock import Clock
from postrail.errors import os_fault
from postrail.observe.log import log
from postrail.records import MailFetched, MailParsed
from postrail.stream import avro
from postrail.stream.producer import Entry, Sends
from postrail.stream.progress import Counts
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_PARSED
from postrail.temporary_files import TemporaryFile
from services.parser.mime.raw_bytes import View, view_of
from services.parser.record.make import ParsedRecord, Place
from services.parser.record.record_maker import RecordMaker

logger = log(__name__)

# The most bytes that one send holds in memory; the records of a batch may be far larger.
SEND_MAX_BYTES = 4 * 1024 * 1024
# Larger messages are parsed in a thread, so that the event loop stays responsive.
LARGE_BYTES = 256 * 1024
# A message that was in flight at this number of deaths of a parser is not parsed again.
DEATHS_MAX = 3


class Parser:
    """Parses fetched messages, and sends their records in order."""

    def __init__(
        self,
        *,
        blobs: ReadsBlobs,
        producer: Sends,
        progress: Counts,
        clock: Clock,
        inline_max_bytes: int,
    ) -> None:
        self._blobs = blobs
        self._producer = producer
        self._progress = progress
        self._records = RecordMaker(clock, inline_max_bytes)

    async def process(self, batch: Sequence[Received[MailFetched]]) -> None:
        """Sends the records of the batch in order; returns when all are acknowledged.

        Raises TransientError for what the operating system refuses: no message is to blame.
        """
        entries: list[Entry] = []
        size = 0
        counted: list[tuple[MailParsed, float]] = []
        for received in batch:
            if entries and received.record.size > LARGE_BYTES:
                # A large message takes long; those before it need not wait for it.
                await self._producer.send(entries)
                entries = []
            started = time.perf_counter()
            try:
                record = await self._record(received)
            except OSError as error:
                raise os_fault(error) from error
            entries.append(Entry(MAIL_PARSED, record.mailbox, avro.encode(record)))
            counted.append((record, time.perf_counter() - started))
            size += len(entries[-1].value)
            if size > SEND_MAX_BYTES:
                await self._producer.send(entries)
                entries, size = [], 0
        await self._producer.send(entries)
        for record, seconds in counted:
            self._count(record, seconds)

    async def _record(self, received: Received[MailFetched]) -> MailParsed:
        fetched = received.record
        place = Place(received.partition, received.offset)
        if received.deaths >= DEATHS_MAX:
            return await self._stored(self._records.given_up(fetched, place, received.deaths))
        try:
            raw = await self._raw(fetched)
        except BlobMissing as error:
            return self._records.without_bytes(fetched, place, error.problem).record
        if len(raw) > LARGE_BYTES:
            parsed = await asyncio.to_thread(self._records.parsed, fetched, place, raw)
        else:
            parsed = self._records.parsed(fetched, place, raw)
        return await self._stored(parsed)

    async def _stored(self, parsed: ParsedRecord) -> MailParsed:
        # Blobs are stored first, so that a record never refers to a missing one.
        for blob in parsed.blobs:
            await self._blobs.put_chunks(blob.reference, blob.source.chunks())
        return parsed.record

    async def _raw(self, fetched: MailFetched) -> View:
        if fetched.blob is None:
            return fetched.body or b""
        with TemporaryFile() as file:
            await self._blobs.read_into(fetched.blob.sha256, file)
            file.seek(0)
            return view_of(file)

    def _count(self, record: MailParsed, seconds: float) -> None:
        since = record.received_at or record.fetched_at
        age_seconds = max(0.0, (record.parsed_at - since).total_seconds())
        outcome = "unparsable" if record.error else "parsed"
        self._progress.count(record.mailbox, outcome, age_seconds=age_seconds, seconds=seconds)
        if record.error:
            logger.warning(
                "mail not parsed",
                mailbox=record.mailbox,
                mail_id=record.mail_id,
                error=record.error,
            )
