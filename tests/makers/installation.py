"""An installation with messages, issues, deliveries and a dead letter, as commands find it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from postrail.blobs import BlobStore
from postrail.clock import SystemClock
from postrail.configuration import store
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Pool, open_pool, transaction
from postrail.incoming.fetched import FetchedRow, record_fetched
from postrail.message_parts import ReplyParts
from postrail.observe.health import Health
from postrail.process import Process
from postrail.records import BlobReference, MailDead, MailParsed, PipelineProgress
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.intake import IntakeOffsets
from postrail.stream.producer import Entry, Placed, Producer
from postrail.stream.topics import (
    MAIL_DEAD,
    MAIL_FETCHED,
    PIPELINE_PROGRESS,
    apply_topics,
)
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.step import Handler
from tests.fakes.streams import MemoryProducer
from tests.makers.configuration import UNLIMITED, mail_account, outgoing_connection
from tests.makers.records import NOON, mail_fetched, mail_parsed, received

RAW = b"Subject: \x1b[31mfire\r\n\r\n\xff it burns\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 100
UNPARSABLE = b"\x00\x01 no mail at all"
# The contents of a reply.
PARTS = ReplyParts(
    new_text="Still [bold]burning\x1b.",
    quoted_text="> Use water.",
    signature="-- \nAda",
    new_html="",
    quoted_html="",
    signature_html="",
)


@dataclass
class Filled:
    """The ids of the messages, by their kind."""

    inline: str
    blob: str
    unparsable: str
    fetched: str


class NoProgress:
    def count(self, *_: object, **__: object) -> None:
        """Ignores the figures."""


def filled_installation(settings: Settings) -> Filled:
    """Creates four messages, two issues with notifications, a dead letter and two processes."""
    apply_topics(settings.kafka)
    return asyncio.run(fill(settings))


async def fill(settings: Settings) -> Filled:
    filled = Filled(*(str(uuid.uuid4()) for _ in range(4)))
    pool = await open_pool(settings.database)
    producer = Producer(settings.kafka)
    await producer.start()
    try:
        await configure(pool)
        places = await send_records(settings, producer, filled)
        await handle(settings, pool, filled, places)
    finally:
        await producer.close()
        await pool.close()
    return filled


async def configure(pool: Pool) -> None:
    things = [
        Project(key="HELP", name="Help desk"),
        *UNLIMITED,
        outgoing_connection(from_name="Help desk"),
        Person(address="agent@example.com", name="An Agent"),
        mail_account(),
    ]
    async with transaction(pool) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=NOON)


async def send_records(settings: Settings, producer: Producer, filled: Filled) -> list[Placed]:
    """Publishes the raw messages, a dead letter, and the reports of two processes."""
    blob = await BlobStore(settings.blobs.url).put(LARGE)
    now = datetime.now(UTC)
    dead = MailDead(
        service="parser",
        topic="mail.fetched",
        partition=3,
        offset=1714,
        key=b"support",
        value=b"\x00rubbish",
        error="not Avro \x1b[2J",
        died_at=now,
    )
    progress = PipelineProgress(
        process="parser-a",
        service="parser",
        version="0.1.0",
        started_at=now - timedelta(minutes=1),
        reported_at=now,
        address="127.0.0.1:9400",
        ready=True,
        mailboxes=[],
    )
    silent = replace(progress, process="sender-b", service="sender", reported_at=NOON)
    mails = [
        mail_fetched(mail_id=filled.inline, body=RAW),
        mail_fetched(mail_id=filled.blob, body=None, blob=blob),
        mail_fetched(mail_id=filled.unparsable, body=UNPARSABLE),
        mail_fetched(mail_id=filled.fetched, body=RAW),
    ]
    return await producer.send(
        [Entry(MAIL_FETCHED, "support", avro.encode(mail)) for mail in mails]
        + [
            Entry(MAIL_DEAD, "support", avro.encode(dead)),
            Entry(PIPELINE_PROGRESS, "parser-a", avro.encode(progress)),
            Entry(PIPELINE_PROGRESS, "sender-b", avro.encode(silent)),
        ]
    )


async def handle(settings: Settings, pool: Pool, filled: Filled, places: list[Placed]) -> None:
    """Handles the messages, which puts their notifications into the tables of outgoing messages."""
    ids = [filled.inline, filled.blob, filled.unparsable, filled.fetched]
    async with transaction(pool) as connection:
        await record_fetched(
            connection,
            [
                fetched_row(mail_id, place)
                for mail_id, place in zip(ids, places[: len(ids)], strict=True)
            ],
        )
    producer = MemoryProducer()
    async with handler_on(settings, pool, producer) as handler:
        await handler.take_in(
            [received(mail, offset) for offset, mail in enumerate(parsed_mails(filled, places))]
        )
        while await handler.work_batch():
            pass


def fetched_row(mail_id: str, place: Placed) -> FetchedRow:
    return FetchedRow(
        mail_id=mail_id,
        mailbox="support",
        source="INBOX;uidvalidity=1;uid=1",
        size=20,
        received_at=NOON,
        fetched_at=NOON,
        raw_partition=place.partition,
        raw_offset=place.offset,
        blob=None,
    )


def parsed_mails(filled: Filled, places: list[Placed]) -> list[MailParsed]:
    def parsed(mail_id: str, place: Placed, **changes: Any) -> MailParsed:
        return mail_parsed(
            mail_id=mail_id, raw_partition=place.partition, raw_offset=place.offset, **changes
        )

    return [
        parsed(filled.inline, places[0], subject="Printer [red]on\x1b fire"),
        parsed(filled.blob, places[1], subject="Large"),
        parsed(filled.unparsable, places[2], subject="", error="no headers", raw=UNPARSABLE),
    ]


@contextlib.asynccontextmanager
async def handler_on(
    settings: Settings, pool: Pool, producer: MemoryProducer
) -> AsyncIterator[Handler]:
    """Opens a handler, and removes its mark of what is in flight at the end."""
    process = Process(
        name="handler",
        settings=settings,
        clock=SystemClock(),
        clock_sync=cast(Any, None),
        health=Health(),
        producer=cast(Any, producer),
        progress=cast(Any, NoProgress()),
        stop=asyncio.Event(),
    )
    offsets = IntakeOffsets("handler", "mail.parsed", pool)
    blobs = BlobStore(settings.blobs.url)
    handler = Handler(process, pool, BuiltinTracker(), offsets, blobs, b"key")
    async with handler._batch.mark:
        yield handler


def replied(settings: Settings, parts: ReplyParts, *, large: bool) -> str:
    """Makes a reply to HELP-1 its comment; returns the id of the message."""
    mail_id = str(uuid.uuid4())
    blobs = [json.dumps(asdict(parts)).encode()] if large else []
    blob = BlobReference(sha256=sha256(blobs[0]).hexdigest(), size=len(blobs[0])) if large else None
    mail = mail_parsed(
        mail_id=mail_id,
        subject="Re: HELP-1",
        reply=None if large else parts,
        reply_blob=blob,
    )
    asyncio.run(take_effect(settings, mail, blobs))
    return mail_id


async def take_effect(
    settings: Settings, mail: MailParsed, blobs: Sequence[bytes], *, partition: int = 1
) -> None:
    """Handles a parsed message, the first of this partition, whose large parts are these blobs."""
    for content in blobs:
        await BlobStore(settings.blobs.url).put(content)
    pool = await open_pool(settings.database)
    try:
        async with handler_on(settings, pool, MemoryProducer()) as handler:
            await handler.take_in([received(mail, partition=partition)])
            await handler.work_batch()
    finally:
        await pool.close()
