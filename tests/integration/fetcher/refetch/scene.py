"""What serves requests to publish messages again, in this process on real servers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from postrail.blobs import BlobStore
from postrail.clock import SettableClock
from postrail.database import Pool, open_pool, rows, transaction
from postrail.incoming import refetch
from postrail.incoming.fetched import record_fetched
from postrail.mailbox import ReadMail
from postrail.mailbox.spool import spooled
from postrail.observe.health import Health
from postrail.records import MailFetched, MailParsed
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.producer import Producer
from postrail.stream.topics import MAIL_FETCHED, apply_topics, topic_name
from services.fetcher.reading.publish import NamedMail, Publisher
from services.fetcher.refetch.from_store import StoredRefetches
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.refetch.stored import StoredMessages
from services.fetcher.store import PostgresStore
from tests.fakes.fetching import MemoryProgress, until_blocking

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROW = "SELECT state, revision, outcome, reason FROM incoming_mail WHERE mail_id = %s"


class Watches:
    """Stands for the assignment: says which accounts are enabled, and keeps who was woken."""

    def __init__(self) -> None:
        self.enabled: frozenset[str] | None = frozenset({"support"})
        self.woken: list[str] = []

    def wake(self, mailbox: str) -> None:
        self.woken.append(mailbox)


class Scene:
    """A fetcher's part that serves requests from what was stored."""

    def __init__(self, settings: Settings, pool: Pool, archive_days: int) -> None:
        self.settings = settings
        self.pool = pool
        self.clock = SettableClock(NOON)
        self.progress = MemoryProgress()
        self.blobs = BlobStore(settings.blobs.url)
        self.watches = Watches()
        self.store = PostgresStore(pool, Health(), self.clock)
        self.producer = Producer(settings.kafka)
        self._archive_days = archive_days
        self._make()

    def _make(self) -> None:
        self.publisher = Publisher(
            producer=self.producer,
            blobs=self.blobs,
            health=Health(),
            inline_max_bytes=100_000,
            archive_days=self._archive_days,
        )
        self.queue = RefetchQueue(
            transactions=self.store.transaction,
            publisher=self.publisher,
            progress=self.progress,
            clock=self.clock,
            settings=self.settings.fetcher,
        )
        self.refetches = StoredRefetches(
            queue=self.queue,
            stored=StoredMessages(self.settings.kafka, self.blobs, self.store.transaction),
            assignment=self.watches,
            assigned=lambda: frozenset(range(self.settings.kafka.partitions)),
            partitions=self.settings.kafka.partitions,
        )

    def serve_at_most(self, mails: int) -> None:
        """Makes the batches of requests as small as this."""
        fetcher = self.settings.fetcher.model_copy(update={"batch_max_mails": mails})
        self.settings = self.settings.model_copy(update={"fetcher": fetcher})
        self._make()

    async def fetched(self, *contents: bytes, **changes: Any) -> list[str]:
        """Publishes messages and adds their rows, as the fetcher does; returns their ids."""
        mails = [
            NamedMail(
                mail_id=str(uuid.uuid4()),
                mailbox="support",
                source="INBOX;uidvalidity=7;uid=1",
                fetched_at=self.clock.now(),
                content=_read(content, **changes),
            )
            for content in contents
        ]
        async with transaction(self.pool) as connection:
            await record_fetched(connection, await self.publisher.publish(mails))
        for mail in mails:
            mail.content.close()
        return [mail.mail_id for mail in mails]

    async def failed(
        self,
        mail_id: str,
        parsed: MailParsed | None = None,
        state: str = "failed",
        outcome: str = "failed",
    ) -> None:
        """Has the message failed, or held, at revision 1."""
        await self.change(
            "UPDATE incoming_mail SET state = %s, revision = 1, outcome = %s,"
            " reason = 'no right', parsed = %b WHERE mail_id = %s",
            state,
            outcome,
            avro.encode(parsed) if parsed else None,
            mail_id,
        )

    async def request(self, *mail_ids: str) -> int:
        async with transaction(self.pool) as connection:
            return await refetch.request(
                connection,
                mail_ids,
                requested_by="ann",
                reason="retry",
                now=self.clock.now(),
            )

    async def change(self, statement: str, *values: object) -> None:
        async with transaction(self.pool) as connection:
            await connection.execute(statement.encode(), values)

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with transaction(self.pool) as connection:
            return await rows(connection, statement, values)

    async def record_of(self, mail_id: str) -> MailFetched:
        """Returns the record at the place that the message's row names."""
        ((partition, offset),) = await self.rows(
            "SELECT raw_partition, raw_offset FROM incoming_mail WHERE mail_id = %s", mail_id
        )
        return await asyncio.to_thread(self._record, partition, offset)

    def _record(self, partition: int, offset: int) -> MailFetched:
        place = TopicPartition(topic_name(MAIL_FETCHED, self.settings.kafka), partition)
        consumer = KafkaConsumer(**client_options(self.settings.kafka), enable_auto_commit=False)
        with contextlib.closing(consumer):
            consumer.assign([place])
            consumer.seek(place, offset)
            return avro.decode_as(MailFetched, consumer.poll(10_000, 1)[place][0].value)

    async def topic_made_anew(self) -> None:
        """Deletes mail.fetched with its records, and makes it again."""
        await self.producer.close()
        await asyncio.to_thread(_delete_topic, self.settings)
        self.producer = Producer(self.settings.kafka)
        await self.producer.start()
        self._make()


def _read(content: bytes, **changes: Any) -> ReadMail:
    large = len(content) > 100_000
    body = {"content": b"", "spool": spooled([content])} if large else {"content": content}
    return ReadMail(**{"uid": 1, "received_at": NOON, **body, **changes})


def _delete_topic(settings: Settings) -> None:
    name = topic_name(MAIL_FETCHED, settings.kafka)
    admin = KafkaAdminClient(**client_options(settings.kafka))
    with contextlib.closing(admin):
        admin.delete_topics([name])
        asyncio.run(until_blocking(lambda: name not in admin.list_topics()))
    apply_topics(settings.kafka)


@contextlib.asynccontextmanager
async def opened(settings: Settings, archive_days: int = 0) -> AsyncIterator[Scene]:
    """Opens a scene with the topics of this test."""
    await asyncio.to_thread(apply_topics, settings.kafka)
    pool = await open_pool(settings.database)
    scene = Scene(settings, pool, archive_days)
    await scene.producer.start()
    try:
        yield scene
    finally:
        await scene.producer.close()
        await pool.close()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
