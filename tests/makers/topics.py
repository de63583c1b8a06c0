"""Deletes topics, makes them anew, and feeds them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from postrail.records import MailFetched, MailParsed, Record
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.producer import Entry, Placed, Producer
from postrail.stream.topics import Topic, TopicAdmin, topic_name

DELETED_SECONDS = 20.0


def make_anew(kafka: KafkaSettings, topics: Sequence[Topic[Record]]) -> None:
    """Deletes the topics with all their records, and creates them again under new ids."""
    names = [topic_name(topic, kafka) for topic in topics]
    client = KafkaAdminClient(**client_options(kafka))
    try:
        client.delete_topics(names)
        give_up_at = time.monotonic() + DELETED_SECONDS
        while set(names) & set(client.list_topics()):
            assert time.monotonic() < give_up_at, "the topics are still there"
            time.sleep(0.05)
        while True:
            try:
                with TopicAdmin(kafka) as admin:
                    admin.create(topics)
                break
            except KafkaError:
                assert time.monotonic() < give_up_at, "the topics cannot be created"
                time.sleep(0.05)
    finally:
        client.close()


def delete_with_prefix(admin: KafkaAdminClient, prefix: str) -> None:
    """Deletes the topics of a test that has ended; a broker that is away keeps them."""
    with contextlib.suppress(KafkaError):
        if names := [name for name in admin.list_topics() if name.startswith(prefix)]:
            admin.delete_topics(names)


async def feed(
    kafka: KafkaSettings, topic: Topic[Record], mails: Sequence[MailFetched | MailParsed]
) -> list[Placed]:
    """Sends messages into a topic, as the stage before it would; returns their places."""
    producer = Producer(kafka)
    await producer.start()
    try:
        entries = [Entry(topic, mail.mailbox, avro.encode(mail)) for mail in mails]
        return await producer.send(entries)
    finally:
        await producer.close()


def feed_now(
    kafka: KafkaSettings, topic: Topic[Record], mails: Sequence[MailFetched | MailParsed]
) -> list[Placed]:
    """Sends messages from a test without an event loop."""
    return asyncio.run(feed(kafka, topic, mails))
