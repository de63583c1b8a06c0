"""Finds the bytes of fetched messages: in Kafka, in the archive, in their rows and blobs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from postrail.blobs import BlobMissing, BlobStore
from postrail.database import Transactions
from postrail.incoming import refetching
from postrail.incoming.refetching import Refetch
from postrail.mailbox import ReadMail
from postrail.mailbox.spool import Spool
from postrail.records import MailFetched
from postrail.settings import KafkaSettings
from postrail.stream.reader import read_records
from postrail.stream.topics import MAIL_FETCHED


@dataclass(frozen=True, slots=True)
class Found:
    """A message to publish again, with its bytes and where they were."""

    request: Refetch
    content: ReadMail
    place: str


class StoredMessages:
    """Looks in the places in the order in which their bytes are cheapest to have."""

    def __init__(self, kafka: KafkaSettings, blobs: BlobStore, transactions: Transactions) -> None:
        self._kafka = kafka
        self._blobs = blobs
        self._transactions = transactions

    @contextlib.asynccontextmanager
    async def of(self, requests: Sequence[Refetch]) -> AsyncIterator[list[Found]]:
        """Opens the messages that are kept somewhere; the others are left out.

        Raises TransientError while Kafka, the blob store or PostgreSQL is unavailable.
        """
        places = {
            (request.raw_partition, request.raw_offset)
            for request in requests
            if request.raw_partition is not None and request.raw_offset is not None
        }
        records = await read_records(self._kafka, MAIL_FETCHED, places) if places else {}
        async with contextlib.AsyncExitStack() as opened:
            found = []
            for request in requests:
                record = records.get((request.raw_partition or 0, request.raw_offset or 0))
                one = await self._found(request, record)
                if one is not None:
                    opened.callback(one.content.close)
                    found.append(one)
            yield found

    async def _found(self, request: Refetch, record: MailFetched | None) -> Found | None:
        # In a topic that was made anew, another message may have its place.
        if record is not None and record.mail_id == request.mail_id:
            content = await self._of_record(request, record)
            if content is not None:
                return Found(request, content, "mail.fetched")
        content = await self._archived(request)
        if content is not None:
            return Found(request, content, "archive")
        content = await self._of_row(request)
        return None if content is None else Found(request, content, "row")

    async def _of_record(self, request: Refetch, record: MailFetched) -> ReadMail | None:
        if record.body is not None:
            return _content(request, record.body, record.size)
        return await self._of_blob(request, record.blob.sha256) if record.blob else None

    async def _archived(self, request: Refetch) -> ReadMail | None:
        with contextlib.ExitStack() as on_error:
            spool = on_error.enter_context(contextlib.closing(Spool()))
            day = request.fetched_at.date()
            if await self._blobs.read_archived(day, request.mailbox, request.mail_id, spool):
                on_error.pop_all()
                return _spooled(request, spool)
        return None

    async def _of_row(self, request: Refetch) -> ReadMail | None:
        """Returns the bytes that the row keeps of an unparsed message, or those in its blob."""
        async with self._transactions() as connection:
            parsed = await refetching.parsed_form(connection, request.mail_id)
        if parsed is None:
            # Before it is parsed, a message names no blob but its own bytes.
            return await self._of_blob(request, request.blobs[0]) if request.blobs else None
        if parsed.raw_blob is not None:
            return await self._of_blob(request, parsed.raw_blob.sha256)
        return None if parsed.raw is None else _content(request, parsed.raw, request.size)

    async def _of_blob(self, request: Refetch, sha256: str) -> ReadMail | None:
        with contextlib.ExitStack() as on_error:
            spool = on_error.enter_context(contextlib.closing(Spool()))
            try:
                await self._blobs.read_into(sha256, spool)
            except BlobMissing:
                return None
            if spool.sha256 != sha256:
                return None
            on_error.pop_all()
            return _spooled(request, spool)


def _content(request: Refetch, content: bytes, size: int) -> ReadMail:
    """Returns bytes as a message; they are its header only when they are fewer than its size."""
    full_size = size if len(content) < size else None
    return ReadMail(0, content, request.received_at, full_size=full_size)


def _spooled(request: Refetch, spool: Spool) -> ReadMail:
    if spool.size >= request.size:
        return ReadMail(0, b"", request.received_at, spool=spool)
    with contextlib.closing(spool):
        return _content(request, b"".join(spool.chunks()), request.size)
