"""Reads one topic as a member of a consumer group; kafka-python blocks in a thread of its own.

Assigned partitions start paused, until the worker seeks each to the offset where it reads on.
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
from postrail.stream.received import RawRecord
from postrail.stream.topics import Topic, topic_name

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The offsets from which a partition can be read."""

    # The first offset that still exists.
    first: int
    committed: int | None = None
    # The metadata of the committed offset.
    note: str = ""


class Reader(Protocol):
    """The part of a consumer that the worker needs; tests have one in memory."""

    async def open(self) -> None:
        """Joins the group."""

    async def close(self) -> None:
        """Leaves the group at once, so that other members take over without waiting."""

    async def poll(self) -> list[RawRecord]:
        """Returns the next records in the order of their partitions, or none after the timeout."""

    async def keep_alive(self) -> None:
        """Stays a member of the group while a batch is processed; reads no records."""

    @property
    def assigned(self) -> frozenset[int]:
        """Returns the partitions that are assigned to this member now."""

    @property
    def fresh(self) -> frozenset[int]:
        """Returns the partitions assigned since the last `take_fresh`; they are still paused."""

    def take_fresh(self) -> frozenset[int]:
        """Returns the fresh partitions once; the caller must place them."""

    async def start_offsets(self, partitions: Iterable[int]) -> dict[int, Start]:
        """Returns the first offset of each partition, and the group's committed one."""

    async def seek(self, offsets: Mapping[int, int]) -> None:
        """Sets the positions of these partitions, and resumes them."""

    async def commit_offsets(
        self, offsets: Mapping[int, int], notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commits next offsets with notes; returns False when the group refuses them."""

    def at_revocation(self, offsets: Mapping[int, int], notes: Mapping[int, str]) -> None:
        """Sets what is committed, once, for partitions that the group revokes.

        Replaces the last call. A member that is expelled from the group commits nothing.
        """

    async def lag(self) -> int:
        """Counts the unread records of our partitions; raises TransientError without a broker."""


class KafkaReader:
    """Reads from a real broker."""

    def __init__(self, topic: Topic[Record], group: str, settings: KafkaSettings) -> None:
        self._topic = topic_name(topic, settings)
        self._group = f"{settings.prefix}postrail.{group}"
        self._settings = settings
        self._consumer: Any = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-consumer")
        self._assigned: frozenset[int] = frozenset()
        self._fresh: frozenset[int] = frozenset()
        # Read by the consumer's own thread, so it is replaced as a whole and never changed.
        self._revocation_commit: dict[TopicPartition, OffsetAndMetadata] = {}

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
            # The library's default would skip the waiting records of a group without offsets.
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
            # A partition that was revoked and assigned again must be placed before it is read.
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
        self._revocation_commit = self._wanted(offsets, notes)

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
        # A broker that dies here raises other errors than CommitFailedError.
        except KafkaError:
            return False
        return True

    def _commit_revoked(self, gone: Iterable[TopicPartition]) -> None:
        """Requests the commit without waiting, since this thread would read the answer.

        The coordinator receives it before the request by which we release the partitions.
        """
        commit = self._revocation_commit
        wanted = {one: commit[one] for one in gone if one in commit}
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
    """Keeps the reader's assignment up to date; new partitions wait until they are placed."""

    def __init__(self, reader: KafkaReader) -> None:
        self._reader = reader

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        gone = list(revoked)
        self._reader._commit_revoked(gone)
        self.on_partitions_lost(gone)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._reader._revocation_commit = {}
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
    """Ignores the answer. If this commit fails, the next owner re-reads the records."""


def _raw(record: Any) -> RawRecord:
    return RawRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value or b"",
    )
