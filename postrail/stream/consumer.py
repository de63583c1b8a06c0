"""A member of a consumer group, with a thread of its own for kafka-python's blocking calls.

Assigned partitions start paused: the worker says where each is to be read from, which resumes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from postrail.records import Record
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults
from postrail.stream.topics import Topic, topic_name

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRecord:
    """A record as the broker holds it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Where a partition can be read from."""

    # The first offset that still exists.
    first: int
    committed: int | None = None
    # What was noted with the committed offset.
    note: str = ""


class Reader(Protocol):
    """What the worker needs of a consumer; tests have one in memory."""

    async def open(self) -> None:
        """Joins the group."""

    async def close(self) -> None:
        """Leaves the group at once, so that others take over without waiting."""

    async def poll(self) -> list[RawRecord]:
        """The next records in the order of their partitions; empty after the poll timeout."""

    async def keep_alive(self) -> None:
        """Stays a member of the group while a batch is in hand; hands out no records."""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are ours now."""

    @property
    def fresh(self) -> frozenset[int]:
        """The partitions that were assigned since `take_fresh` was called, still paused."""

    def take_fresh(self) -> frozenset[int]:
        """The fresh partitions; they are the caller's to place now."""

    async def start_offsets(self, partitions: Iterable[int]) -> dict[int, Start]:
        """Where each partition can be read from, and where the group has got to."""

    async def seek(self, offsets: Mapping[int, int]) -> None:
        """Reads these partitions from these offsets on, and resumes them."""

    async def commit_offsets(
        self, offsets: Mapping[int, int], notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commits next offsets with notes; False when the group no longer accepts it from us."""

    def at_revocation(self, offsets: Mapping[int, int], notes: Mapping[int, str]) -> None:
        """What is committed, once, of those partitions that the group takes away from us.

        It replaces what was said before. When we are expelled from the group, nothing is.
        """

    async def lag(self) -> int:
        """Records that wait in our partitions; raises TransientError when the broker is away."""


class KafkaReader:
    """The Reader on a real broker."""

    def __init__(self, topic: Topic[Record], group: str, settings: KafkaSettings) -> None:
        self._topic = topic_name(topic, settings)
        self._group = f"{settings.prefix}postrail.{group}"
        self._settings = settings
        self._consumer: Any = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-consumer")
        self._assigned: frozenset[int] = frozenset()
        self._fresh: frozenset[int] = frozenset()
        # Read by the consumer's own thread; replaced as a whole, never changed.
        self._farewell: dict[TopicPartition, OffsetAndMetadata] = {}

    async def open(self) -> None:
        await self._in_thread(self._open)

    def _open(self) -> None:
        with kafka_faults(self._settings):
            self._consumer = KafkaConsumer(**self._options())
            self._consumer.subscribe([self._topic], listener=_Listener(self))

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        return {
            **client_options(settings),
            "group_id": self._group,
            "enable_auto_commit": False,
            # The library's default would skip what waits when a group has no offset yet.
            "auto_offset_reset": "earliest",
            "session_timeout_ms": int(settings.session_timeout_seconds * 1000),
            "heartbeat_interval_ms": int(settings.heartbeat_interval_seconds * 1000),
            "max_poll_records": settings.batch_max_records,
            "fetch_max_bytes": settings.batch_max_bytes,
            "fetch_max_wait_ms": 500,
        }

    async def close(self) -> None:
        if self._consumer is not None:
            await self._in_thread(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=3000)

    async def poll(self) -> list[RawRecord]:
        return await self._in_thread(self._poll, self._settings.poll_timeout_seconds)

    def _poll(self, seconds: float) -> list[RawRecord]:
        with kafka_faults(self._settings):
            found = self._consumer.poll(timeout_ms=int(seconds * 1000))
        return [_raw(record) for records in found.values() for record in records]

    async def keep_alive(self) -> None:
        await self._in_thread(self._keep_alive)

    def _keep_alive(self) -> None:
        if self._consumer is None:
            return
        with kafka_faults(self._settings):
            resumed = self._consumer.assignment() - self._consumer.paused()
            self._consumer.pause(*resumed)
            self._consumer.poll(timeout_ms=50)
            fresh = {self._partition(number) for number in self._fresh}
            # One that was taken and given back meanwhile must be placed before it is read.
            self._consumer.resume(*((resumed & self._consumer.assignment()) - fresh))

    @property
    def assigned(self) -> frozenset[int]:
        return self._assigned

    @property
    def fresh(self) -> frozenset[int]:
        return self._fresh

    def take_fresh(self) -> frozenset[int]:
        fresh, self._fresh = self._fresh, frozenset()
        return fresh & self._assigned

    async def start_offsets(self, partitions: Iterable[int]) -> dict[int, Start]:
        return await self._in_thread(self._start_offsets, list(partitions))

    def _start_offsets(self, partitions: list[int]) -> dict[int, Start]:
        timeout_ms = int(self._settings.request_timeout_seconds * 1000)
        with kafka_faults(self._settings):
            first = self._consumer.beginning_offsets(
                [self._partition(number) for number in partitions], timeout_ms=timeout_ms
            )
            return {
                number: _start(
                    first[self._partition(number)],
                    self._consumer.committed(
                        self._partition(number), metadata=True, timeout_ms=timeout_ms
                    ),
                )
                for number in partitions
            }

    async def seek(self, offsets: Mapping[int, int]) -> None:
        await self._in_thread(self._seek, offsets)

    def _seek(self, offsets: Mapping[int, int]) -> None:
        for number, offset in offsets.items():
            partition = self._partition(number)
            if partition in self._consumer.assignment():
                self._consumer.seek(partition, offset)
                self._consumer.resume(partition)

    async def commit_offsets(
        self, offsets: Mapping[int, int], notes: Mapping[int, str] | None = None
    ) -> bool:
        return await self._in_thread(self._commit_offsets, self._wanted(offsets, notes or {}))

    def at_revocation(self, offsets: Mapping[int, int], notes: Mapping[int, str]) -> None:
        self._farewell = self._wanted(offsets, notes)

    def _wanted(
        self, offsets: Mapping[int, int], notes: Mapping[int, str]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        return {
            self._partition(number): OffsetAndMetadata(offset, notes.get(number, ""), -1)
            for number, offset in offsets.items()
        }

    def _commit_offsets(self, wanted: dict[TopicPartition, OffsetAndMetadata]) -> bool:
        try:
            timeout_ms = int(self._settings.request_timeout_seconds * 1000)
            self._consumer.commit(wanted, timeout_ms=timeout_ms)
        # Not only CommitFailedError: a broker that dies here raises whatever it was busy with.
        except KafkaError:
            return False
        return True

    def _say_farewell(self, gone: Iterable[TopicPartition]) -> None:
        """Only asks for the commit: the thread that would wait for the answer is this one.

        On the way to the coordinator it stays before the request by which we give them away.
        """
        wanted = {one: self._farewell[one] for one in gone if one in self._farewell}
        if wanted:
            with contextlib.suppress(KafkaError):
                self._consumer.commit_async(wanted, callback=_ignore)

    async def lag(self) -> int:
        return await self._in_thread(self._lag)

    def _lag(self) -> int:
        with kafka_faults(self._settings):
            partitions = list(self._consumer.assignment() - self._consumer.paused())
            ends = self._consumer.end_offsets(partitions, timeout_ms=3000) if partitions else {}
            positions = {partition: self._consumer.position(partition, 3000) for partition in ends}
        return sum(end - (positions[partition] or 0) for partition, end in ends.items())

    def _partition(self, number: int) -> TopicPartition:
        return TopicPartition(self._topic, number)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps the reader's picture of its assignment; new partitions wait until they are placed."""

    def __init__(self, reader: KafkaReader) -> None:
        self._reader = reader

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        gone = list(revoked)
        self._reader._say_farewell(gone)
        self.on_partitions_lost(gone)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._reader._farewell = {}
        self._reader._assigned -= {partition.partition for partition in lost}

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        come = list(assigned)
        self._reader._consumer.pause(*come)
        self._reader._assigned |= {partition.partition for partition in come}
        self._reader._fresh |= {partition.partition for partition in come}


def _start(first: int, committed: Any) -> Start:
    if committed is None:
        return Start(first=first)
    return Start(first=first, committed=committed.offset, note=committed.metadata or "")


def _ignore(offsets: object, answer: object) -> None:
    """A refused farewell changes nothing: what it would have said is found out by the next one."""


def _raw(record: Any) -> RawRecord:
    return RawRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value or b"",
    )
