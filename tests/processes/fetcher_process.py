"""Runs the fetcher as a process, and reads its results from Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition

from postrail.configuration.configured import Configured
from postrail.configuration.models.project import Project
from postrail.configuration.store import save
from postrail.database import open_pool, transaction
from postrail.records import MailFetched
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, apply_topics, topic_name
from tests.fakes.fetching import until_blocking

REPOSITORY = Path(__file__).parents[2]


def fetched_records(settings: Settings) -> list[MailFetched]:
    """Reads all records of mail.fetched."""
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
                found += [decoded(record.value) for record in records]
        return found
    finally:
        consumer.close(autocommit=False)


def decoded(value: bytes) -> MailFetched:
    record = avro.decode(value)
    assert isinstance(record, MailFetched)
    return record


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def sources(url: str, state: str = "fetched") -> list[str]:
    """Returns the messages in this state, as the last parts of their sources: "uid=1", ..."""
    found = query(url, f"SELECT source FROM incoming_mail WHERE state = '{state}' ORDER BY source")
    return [source.rpartition(";")[2] for (source,) in found]


@contextlib.contextmanager
def fetcher(
    environment: Mapping[str, str], log: Path, *command: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process during the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(command or ("services.fetcher",))],
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
    """Creates the topics, the project HELP and the things."""
    await asyncio.to_thread(apply_topics, settings.kafka)
    pool = await open_pool(settings.database)
    now = datetime.now(UTC)
    try:
        async with transaction(pool) as connection:
            for thing in (Project(key="HELP", name="Help"), *things):
                await save(connection, thing, before=None, author="test", now=now)
    finally:
        await pool.close()


async def until_count(url: str, count: int, seconds: float = 40) -> None:
    """Waits for `count` rows in state fetched."""
    await until_blocking(lambda: len(sources(url)) >= count, seconds)
