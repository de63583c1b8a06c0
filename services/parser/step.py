"""The parser's story: a fetched mail's bytes in, its blobs written, its structure sent on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryFile

from postrail.blobs import BlobMissing, ReadsBlobs
from postrail.clock import Clock
from postrail.observe.log import log
from postrail.records import MailFetched, MailParsed
from postrail.stream import avro
from postrail.stream.producer import Entry, Sends
from postrail.stream.progress import Counts
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_PARSED
from services.parser.mime.raw_bytes import View, view_of
from services.parser.parse import Mail, parse, sha256_of, unparsed
from services.parser.record.make import ParsedRecord, Place, make_record, record_without_bytes
from services.parser.text.decode import storable

logger = log(__name__)

# What one send may hold in memory; a batch of references to large mails makes far more.
SEND_MAX_BYTES = 4 * 1024 * 1024
# Larger mails are parsed in a thread: the loop must go on answering meanwhile.
LARGE_BYTES = 256 * 1024
# A mail that was in hand at so many deaths of a parser is not parsed again.
DEATHS_MAX = 3


class Parser:
    """Parses fetched mails; the same mail always gives the same record but for `parsed_at`."""

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
        self._clock = clock
        self._inline_max_bytes = inline_max_bytes

    async def process(self, batch: Sequence[Received[MailFetched]]) -> None:
        """Sends what the batch's mails hold, in order; returns when all is acknowledged."""
        entries: list[Entry] = []
        size = 0
        counted: list[tuple[MailParsed, float]] = []
        for received in batch:
            if entries and received.record.size > LARGE_BYTES:
                # A large mail takes its time; those before it need not wait for it.
                await self._producer.send(entries)
                entries = []
            started = time.perf_counter()
            record = await self._record(received)
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
            return await self._with_blobs(self._given_up(fetched, place, received.deaths))
        try:
            raw = await self._raw(fetched)
        except BlobMissing as error:
            return self._without_bytes(fetched, place, error)
        if len(raw) > LARGE_BYTES:
            made = await asyncio.to_thread(self._made, fetched, place, raw)
        else:
            made = self._made(fetched, place, raw)
        return await self._with_blobs(made)

    async def _with_blobs(self, made: ParsedRecord) -> MailParsed:
        # Before the record that names them: what a record names is there.
        for blob in made.blobs:
            await self._blobs.put_chunks(blob.reference, blob.source.chunks())
        return made.record

    async def _raw(self, fetched: MailFetched) -> View:
        if fetched.blob is None:
            return fetched.body or b""
        with TemporaryFile() as file:
            await self._blobs.read_into(fetched.blob.sha256, file)
            file.seek(0)
            return view_of(file)

    def _made(self, fetched: MailFetched, place: Place, raw: View) -> ParsedRecord:
        mail = parsed_or_not(raw)
        if fetched.too_large:
            mail = header_only(mail, fetched)
        return self._record_of(fetched, place, raw, mail)

    def _given_up(self, fetched: MailFetched, place: Place, deaths: int) -> ParsedRecord:
        """Keeps the bytes, and looks at nothing in them; those in a blob are not even read."""
        reason = f"the parser died {deaths} times while it had this mail in hand"
        raw = fetched.body or b""
        fingerprint = fetched.blob.sha256 if fetched.blob else sha256_of(raw)
        return self._record_of(fetched, place, raw, _empty_mail(fingerprint, reason))

    def _record_of(self, fetched: MailFetched, place: Place, raw: View, mail: Mail) -> ParsedRecord:
        return make_record(
            fetched,
            place,
            raw,
            mail,
            parsed_at=self._clock.now(),
            inline_max_bytes=self._inline_max_bytes,
        )

    def _without_bytes(self, fetched: MailFetched, place: Place, error: BlobMissing) -> MailParsed:
        mail = unparsed(b"", f"its bytes are gone: {error.problem}")
        return record_without_bytes(fetched, place, mail, parsed_at=self._clock.now())

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


def parsed_or_not(raw: View) -> Mail:
    """The mail, or what can be said about one that cannot be parsed."""
    try:
        return parse(raw)
    # Others may have used the memory up: it ends the process, and another tries again.
    except MemoryError:
        raise
    # A fault of ours must fail the one mail that shows it, with its bytes kept, and not the stage.
    except Exception as error:
        logger.exception("the parser failed", size=len(raw))
        return _header_only(raw, storable(f"the parser failed: {type(error).__name__}: {error}"))


def header_only(mail: Mail, fetched: MailFetched) -> Mail:
    """A mail that was too large to fetch: a text says so in the place of its body."""
    defect = "too large: only its header was fetched"
    text = (
        f"[This mail of {fetched.size:,} bytes is larger than the mailbox {fetched.mailbox} allows"
        f" (max_message_bytes). Only its header was fetched. The mail itself is still in the"
        f" mailbox: {storable(fetched.source)}]"
    )
    content = replace(mail.content, text=text, html="", source="")
    return replace(mail, content=content, reply=None, defects=[defect, *mail.defects])


def _header_only(raw: View, reason: str) -> Mail:
    """What can be said of a mail on which the parser failed, if need be without its header."""
    try:
        return unparsed(raw, reason)
    except MemoryError:
        raise
    # Most likely the header is what it failed on.
    except Exception:
        logger.exception("the parser failed on the header too", size=len(raw))
        return _empty_mail(sha256_of(raw), reason)


def _empty_mail(fingerprint: str, reason: str) -> Mail:
    """A mail of which nothing is said but what names its bytes."""
    return replace(unparsed(b"", reason), fingerprint=fingerprint)
