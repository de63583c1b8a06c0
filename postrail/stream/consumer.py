"""Reads one topic as a member of a consumer group; kafka-python blocks in a thread of its own.

Assigned partitions start paused, until the worker seeks each to the offset where it reads on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from postrail.observe.log import log
from postrail.records import Record
from postrail.settings import KafkaSettings
from postrail.stream.assignor import assignor_that_tells
from postrail.stream.connection import client_options, kafka_faults
from postrail.stream.offsets.metadata import read_metadata, write_metadata
from postrail.stream.offsets.peek import records_at
from postrail.stream.offsets.position import Position
from postrail.stream.offsets.topic_ids import TopicIds
from postrail.stream.received import OffsetGap, RawRecord, Start
from postrail.stream.topics import Topic, topic_name

logger = log(__name__)

T = TypeVar("T")

# The library forgets a request for a topic's metadata while the answer to an earlier one is on its
# way, and the group then has no partitions until it asks again by itself.
METADATA_MAX_AGE_SECONDS = 5.0

# The broker has no record at a position: it is past the end, or before the first record, or the log
# is not the one that was read.
NO_SUCH_PLACE = (OffsetOutOfRangeError, LogTruncationError, NoOffsetForPartitionError)


class KafkaReader:
    """Reads from a real broker."""

    def __init__(self, topic: Topic[Record], group: str, settings: KafkaSettings) -> None:
        self._topic = topic_name(topic, settings)
        self._group = f"{settings.prefix}postrail.{group}"
        self._settings = settings
        self._consumer: Any = None
        self._topic_ids = TopicIds(settings)
        # The topic's id when it was last compared; "": it could not be asked for.
        self._known_id: str | None = None
        # Records whose topic's id could not be asked for yet.
        self._polled: dict[TopicPartition, list[Any]] = {}
        # We have assigned the group's partitions, and did not know those of the topic yet.
        self._assigned_none = False
        # What `keep_alive` found wrong with a position; the library says it once.
        self._gap = ""
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
            "partition_assignment_strategy": [assignor_that_tells(self._note_assignment)],
            "enable_auto_commit": False,
            # The library must not go on elsewhere by itself when the log is not the one it read.
            "auto_offset_reset": "none",
            # A topic that was deleted must come back with its partitions and configuration.
            "allow_auto_create_topics": False,
            "metadata_max_age_ms": int(METADATA_MAX_AGE_SECONDS * 1000),
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
        self._topic_ids.close()
        self._close_consumer()

    def _close_consumer(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=3000)

    async def poll(self) -> list[RawRecord]:
        return await self._in_thread(self._poll, self._settings.poll_timeout_seconds)

    def _poll(self, seconds: float) -> list[RawRecord]:
        self._assign_again()
        if self._gap:
            gap, self._gap = self._gap, ""
            raise OffsetGap(gap)
        with kafka_faults(self._settings), _gaps():
            self._polled = self._polled or self._consumer.poll(timeout_ms=int(seconds * 1000))
        if not self._polled:
            return []
        topic_id = self._topic_id()
        found, self._polled = self._polled, {}
        return [_raw(record, topic_id) for records in found.values() for record in records]

    def _note_assignment(self, topics: Set[str]) -> None:
        self._assigned_none = self._topic not in topics

    def _assign_again(self) -> None:
        """Joins the group again if we have assigned its partitions without knowing any.

        The library often finds that out by itself: it compares what it knew before and after.
        """
        if self._assigned_none and not self._assigned:
            with kafka_faults(self._settings):
                known = self._consumer.partitions_for_topic(self._topic)
            if known:
                logger.warning("joining the group again, now with metadata", topic=self._topic)
                self._close_consumer()
                self._open()
                self._assigned_none = False

    async def topic_id(self) -> str | None:
        return await self._in_thread(self._topic_id_now)

    def _topic_id_now(self) -> str | None:
        """Joins the group again, if the topic was made anew while we have no partitions.

        A group that was assigned while the topic was gone is not always assigned anew by the
        library when the topic is back.
        """
        known, self._known_id = self._known_id, ""
        self._known_id = self._topic_id()
        if known not in (None, self._known_id) and not self._assigned:
            logger.warning("joining the group again: the topic was made anew", topic=self._topic)
            self._close_consumer()
            self._open()
        return self._known_id

    def _topic_id(self) -> str | None:
        (found,) = self._topic_ids.of([self._topic])
        return found

    async def keep_alive(self) -> None:
        await self._in_thread(self._keep_alive)

    def _keep_alive(self) -> None:
        if self._consumer is None:
            return
        with kafka_faults(self._settings):
            resumed = self._consumer.assignment() - self._consumer.paused()
            self._consumer.pause(*resumed)
            try:
                self._consumer.poll(timeout_ms=50)
            except NO_SUCH_PLACE as error:
                self._gap = _described(error)
            finally:
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
        places = [self._partition(number) for number in partitions]
        with kafka_faults(self._settings):
            # In this order: no commit lies past an end that is read later, and when the topic is
            # made anew meanwhile, the id is the old one and differs at the next poll.
            committed = {
                place: self._consumer.committed(place, metadata=True, timeout_ms=timeout_ms)
                for place in places
            }
            topic_id = self._topic_id()
            first = self._consumer.beginning_offsets(places, timeout_ms=timeout_ms)
            ends = self._consumer.end_offsets(places, timeout_ms=timeout_ms)
        return {
            place.partition: _start(topic_id, first[place], ends[place], committed[place])
            for place in places
        }

    async def records_at(self, offsets: Mapping[int, int]) -> dict[int, RawRecord]:
        found = await self._in_thread(records_at, self._settings, self._topic, offsets)
        return {number: _raw(record, None) for number, record in found.items()}

    async def seek(self, offsets: Mapping[int, int]) -> None:
        await self._in_thread(self._seek, offsets)

    def _seek(self, offsets: Mapping[int, int]) -> None:
        self._polled = {}
        for number, offset in offsets.items():
            partition = self._partition(number)
            if partition in self._consumer.assignment():
                self._consumer.seek(partition, offset)
                self._consumer.resume(partition)

    async def commit_offsets(
        self, positions: Mapping[int, Position], notes: Mapping[int, str] | None = None
    ) -> bool:
        return await self._in_thread(self._commit_offsets, self._wanted(positions, notes or {}))

    def at_revocation(self, positions: Mapping[int, Position], notes: Mapping[int, str]) -> None:
        self._revocation_commit = self._wanted(positions, notes)

    def _wanted(
        self, positions: Mapping[int, Position], notes: Mapping[int, str]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        return {
            self._partition(number): OffsetAndMetadata(
                position.next_offset, write_metadata(position, notes.get(number, "")), -1
            )
            for number, position in positions.items()
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
        with kafka_faults(self._settings), _gaps():
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
        for partition in come:
            # Without a position the library would look for one itself.
            self._reader._consumer.seek(partition, 0)
        self._reader._assigned |= {partition.partition for partition in come}
        self._reader._fresh |= {partition.partition for partition in come}


@contextlib.contextmanager
def _gaps() -> Iterator[None]:
    """Raises OffsetGap when the broker has no record at a position."""
    try:
        yield
    except NO_SUCH_PLACE as error:
        raise OffsetGap(_described(error)) from error


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _start(topic_id: str | None, first: int, end: int, committed: Any) -> Start:
    if committed is None:
        return Start(topic_id=topic_id, first=first, end=end)
    position, note = read_metadata(committed.offset, committed.metadata or "")
    return Start(topic_id=topic_id, first=first, end=end, committed=position, note=note)


def _ignore(offsets: object, answer: object) -> None:
    """Ignores the answer. If this commit fails, the next owner re-reads the records."""


def _raw(record: Any, topic_id: str | None) -> RawRecord:
    return RawRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value or b"",
        topic_id=topic_id,
        leader_epoch=None if record.leader_epoch < 0 else record.leader_epoch,
    )
