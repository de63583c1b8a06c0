"""Sends records and waits for the broker's acknowledgement of each.

kafka-python's producer blocks while it waits for metadata or memory, so it is used from threads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from postrail.clock import Clock, SystemClock
from postrail.clock.samples import Sample
from postrail.errors import FatalError
from postrail.records import Record
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults
from postrail.stream.topics import Topic, topic_name

# Large enough for a record of 1 MiB in its batch; the broker's limit for one record stays 1 MiB.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
DELIVERY_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to send: its topic, its partition key and its encoded value."""

    topic: Topic[Record]
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the broker put an acknowledged record."""

    partition: int
    offset: int


class Sends(Protocol):
    """The part of a producer that stages need; tests have one in memory."""

    async def send(self, entries: Sequence[Entry]) -> list[Placed]:
        """Returns once all are acknowledged; raises FatalError when one is not."""


@lru_cache(maxsize=65536)
def partition_of(key: str, partitions: int) -> int:
    """Returns the partition of a key, as Kafka's default partitioner places it (murmur2)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


class Producer:
    """An idempotent producer with acks=all."""

    def __init__(self, settings: KafkaSettings, clock: Clock | None = None) -> None:
        """Records get the times of `clock`, unless their topic takes the broker's."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._producer: Any = None
        self._offered: Any = None
        self._broker_time: Sample | None = None
        # One thread hands records over, so that they reach their partitions in the order of calls.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-producer")
        # Bounds the callers that wait at once; more than the mailboxes that are read at once.
        self._waiting = ThreadPoolExecutor(max_workers=64, thread_name_prefix="kafka-acknowledged")

    async def start(self) -> None:
        """Connects; raises TransientError while the broker is unavailable."""
        self._producer = await self._in_thread(self._connect)

    def _connect(self) -> Any:
        with kafka_faults(self._settings):
            return KafkaProducer(
                **client_options(self._settings),
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                batch_size=128 * 1024,
                max_request_size=MAX_REQUEST_BYTES,
                compression_type="zstd",
                # A topic that was deleted must come back with its partitions and configuration.
                allow_auto_create_topics=False,
                delivery_timeout_ms=int(DELIVERY_TIMEOUT_SECONDS * 1000),
            )

    async def close(self) -> None:
        """Waits up to 5 seconds for records in flight, and disconnects; ignores Kafka's errors."""
        if self._producer is not None:
            with contextlib.suppress(KafkaError):
                await self._in_thread(self._producer.close, 5)
        self._thread.shutdown(wait=False)
        self._waiting.shutdown(wait=False)

    async def send(self, entries: Sequence[Entry]) -> list[Placed]:
        """Sends the records and returns their places, once every one is acknowledged.

        Raises FatalError when one is not: the process must end without marking or committing
        anything, and its successor does the work again.
        """
        if not entries:
            return []
        try:
            futures = await self._in_thread(self._hand_over, entries)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._waiting, _acknowledged, futures)
        except KafkaError as error:
            raise FatalError(
                f"Kafka did not acknowledge a record: {type(error).__name__}: {error}",
                setting="POSTRAIL_KAFKA__BOOTSTRAP_SERVERS",
                remedy="Check the broker; the work is done again after the restart",
            ) from error

    def offer(self, entry: Entry) -> None:
        """Hands a record over without waiting: best effort, for figures only."""
        self._thread.submit(self._offer, entry)

    def _offer(self, entry: Entry) -> None:
        # While the broker is unavailable the last one is still in flight: waiting would delay
        # messages, and the next figure makes up for a lost one.
        if self._producer is not None and (self._offered is None or self._offered.is_done):
            made_ms, sent = self._now_ms(), self._clock.steady()
            (self._offered,) = self._hand_over([entry], made_ms)
            self._offered.add_callback(self._note_time, made_ms, sent)

    def _note_time(self, made_ms: int, sent: float, placed: Any) -> None:
        # A topic that does not take the broker's time gives back the record's own.
        if placed.timestamp != made_ms:
            self._broker_time = Sample(sent, self._clock.steady(), placed.timestamp / 1000)

    async def broker_time(self) -> Sample | None:
        """Returns the newest reading of the broker's clock, once; None if there is no new one.

        Each offered record gives one when it is acknowledged.
        """
        sample, self._broker_time = self._broker_time, None
        return sample

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _hand_over(self, entries: Sequence[Entry], made_ms: int | None = None) -> list[Any]:
        return [
            self._producer.send(
                topic_name(entry.topic, self._settings),
                key=entry.key.encode(),
                value=entry.value,
                partition=partition_of(entry.key, self._settings.partitions),
                timestamp_ms=made_ms or self._now_ms(),
            )
            for entry in entries
        ]

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _acknowledged(futures: Sequence[Any]) -> list[Placed]:
    found = [future.get(timeout=DELIVERY_TIMEOUT_SECONDS + 30) for future in futures]
    return [Placed(metadata.partition, metadata.offset) for metadata in found]
