"""A whole fetcher as a process of its own, and what it needs to have work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from postrail.accounts.models import Configured, Project
from postrail.accounts.store import save
from postrail.database import one_connection
from postrail.records import MailFetched
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, apply_topics, topic_name

REPOSITORY = Path(__file__).parents[2]


@contextlib.contextmanager
def fetcher(
    environment: Mapping[str, str], log: Path, module: str = "services.fetcher", *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end of the block if it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def configure(settings: Settings, things: Sequence[Configured]) -> None:
    """Makes topics, the project HELP and the things."""
    await asyncio.to_thread(apply_topics, settings.kafka)
    now = datetime.now(UTC)
    async with one_connection(settings.database) as connection:
        for thing in (Project(key="HELP", name="Help"), *things):
            await save(connection, thing, before=None, author="test", now=now)


def fetched_records(settings: Settings) -> list[MailFetched]:
    """Everything in mail.fetched."""
    topic = topic_name(MAIL_FETCHED, settings.kafka)
    partitions = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
    consumer = KafkaConsumer(**client_options(settings.kafka), enable_auto_commit=False)
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        missing = sum(consumer.end_offsets(partitions).values())
        found: list[MailFetched] = []
        while len(found) < missing:
            for records in consumer.poll(timeout_ms=500).values():
                decoded = [avro.decode(record.value) for record in records]
                found += [record for record in decoded if isinstance(record, MailFetched)]
        return found
    finally:
        consumer.close(autocommit=False)
