"""Reads records outside of any consumer group: for commands and pages, never for stages."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
)

from postrail.errors import PermanentError
from postrail.records import R, Record
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.connection import client_options, kafka_faults
from postrail.stream.offsets.peek import read_at
from postrail.stream.topics import Topic, topic_name

READ_TIMEOUT_MS = 10_000
# A broker that has just started needs a few seconds until it knows the groups' offsets.
COORDINATOR_SECONDS = 10.0
NO_COORDINATOR_YET = (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
)


async def read_record(settings: KafkaSettings, topic: Topic[R], partition: int, offset: int) -> R:
    """Returns the record at an offset; raises PermanentError when retention has removed it.

    Raises TransientError when the broker does not answer in time.
    """
    place = (partition, offset)
    values = await asyncio.to_thread(_read_values, settings, topic_name(topic, settings), [place])
    if place in values:
        return avro.decode_as(topic.record, values[place])
    raise PermanentError(
        f"{topic_name(topic, settings)} has no record at partition {partition}, offset {offset}"
        " any more",
        remedy="Retention removed it; archived messages are in the blob store"
        " when POSTRAIL_BLOBS__ARCHIVE_DAYS is set",
    )


async def read_records(
    settings: KafkaSettings, topic: Topic[R], places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], R]:
    """Returns the records at these places: (partition, offset).

    Places are left out that the topic does not have any more, or whose record does not decode.
    Raises TransientError when the broker does not answer in time.
    """
    values = await asyncio.to_thread(_read_values, settings, topic_name(topic, settings), places)
    found = {}
    for place, value in values.items():
        with contextlib.suppress(avro.UndecodableError):
            found[place] = avro.decode_as(topic.record, value)
    return found


def _read_values(
    settings: KafkaSettings, name: str, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    with kafka_faults(settings):
        consumer = _consumer(settings)
        try:
            found = {
                place: _value_at(consumer, settings, TopicPartition(name, place[0]), place[1])
                for place in _existing(consumer, name, places)
            }
        finally:
            consumer.close(autocommit=False)
    return {place: value for place, value in found.items() if value is not None}


def _existing(
    consumer: Any, name: str, places: Collection[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Returns the places between the first and the last offset of their partitions, in order."""
    numbers = (consumer.partitions_for_topic(name) or set()) & {number for number, _ in places}
    partitions = [TopicPartition(name, number) for number in numbers]
    first, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    held = {place.partition: range(first[place], ends[place]) for place in partitions}
    return sorted(
        (number, offset) for number, offset in places if offset in held.get(number, range(0))
    )


def _value_at(
    consumer: Any, settings: KafkaSettings, place: TopicPartition, offset: int
) -> bytes | None:
    """Returns the value of a record; None when it was removed in the meantime."""
    found = read_at(consumer, settings, {place: offset})
    return bytes(found[place].value) if place in found else None


async def tail(settings: KafkaSettings, topic: Topic[R], limit: int) -> list[R]:
    """Returns the last `limit` records of each partition, oldest first within a partition."""
    return await asyncio.to_thread(_tail, settings, topic, limit)


def _tail(settings: KafkaSettings, topic: Topic[R], limit: int) -> list[R]:
    with kafka_faults(settings):
        consumer = _consumer(settings)
        try:
            return _read_tail(consumer, topic, topic_name(topic, settings), limit)
        finally:
            consumer.close(autocommit=False)


def _read_tail(consumer: Any, topic: Topic[R], name: str, limit: int) -> list[R]:
    numbers = consumer.partitions_for_topic(name) or set()
    places = [TopicPartition(name, number) for number in sorted(numbers)]
    first, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    starts = {place: max(first[place], ends[place] - limit) for place in places}
    wanted = [place for place in places if starts[place] < ends[place]]
    consumer.assign(wanted)
    for place in wanted:
        consumer.seek(place, starts[place])
    records = []
    while wanted:
        found = consumer.poll(timeout_ms=READ_TIMEOUT_MS)
        if not found:
            break
        records += [record for lot in found.values() for record in lot]
        wanted = [place for place in wanted if consumer.position(place) < ends[place]]
    records.sort(key=lambda record: record.timestamp)
    return [avro.decode_as(topic.record, record.value) for record in records]


async def group_lag(settings: KafkaSettings, topic: Topic[Record], group: str) -> int:
    """Counts the records of the topic that the group has not committed yet."""
    return await asyncio.to_thread(_group_lag, settings, topic, group)


def _group_lag(settings: KafkaSettings, topic: Topic[Record], group: str) -> int:
    name, group_id = topic_name(topic, settings), f"{settings.prefix}postrail.{group}"
    with kafka_faults(settings):
        admin = KafkaAdminClient(**client_options(settings))
        try:
            committed = _committed(admin, group_id)
        finally:
            admin.close()
        consumer = _consumer(settings)
        try:
            numbers = consumer.partitions_for_topic(name) or set()
            places = [TopicPartition(name, number) for number in numbers]
            first, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        finally:
            consumer.close(autocommit=False)
    starts = {
        place: committed[place].offset if place in committed else first[place] for place in places
    }
    return sum(max(0, ends[place] - starts[place]) for place in places)


def _committed(admin: Any, group_id: str) -> Any:
    give_up_at = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            return admin.list_group_offsets(group_id).get(group_id, {})
        except NO_COORDINATOR_YET:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)


def _consumer(settings: KafkaSettings) -> Any:
    return KafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
