"""Reads single records at known offsets, over a connection of its own. Blocking."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import OffsetOutOfRangeError

from postrail.errors import TransientError
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults

POLL_MS = 500
# The broker sends whole batches; a larger one comes alone.
PARTITION_MAX_BYTES = 16 * 1024


def records_at(
    settings: KafkaSettings, topic_name: str, offsets: Mapping[int, int]
) -> dict[int, Any]:
    """Returns kafka-python's record at one offset of each partition, where there is one.

    Raises TransientError when the broker does not answer in time, or the log changes meanwhile.
    """
    if not offsets:
        return {}
    with kafka_faults(settings):
        consumer = KafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=PARTITION_MAX_BYTES,
        )
        try:
            wanted = {TopicPartition(topic_name, one): offsets[one] for one in offsets}
            found = read_at(consumer, settings, wanted)
            return {place.partition: record for place, record in found.items()}
        except OffsetOutOfRangeError as error:
            raise TransientError(f"the log of {topic_name} changed while it was read") from error
        finally:
            consumer.close(autocommit=False)


def _is_awaited(consumer: Any, place: TopicPartition, offset: int) -> bool:
    """Returns whether the consumer may still find a record; it skips the marks of transactions."""
    return (consumer.position(place) or 0) <= offset


def read_at(
    consumer: Any, settings: KafkaSettings, wanted: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Any]:
    """Returns the record at one offset of each partition, where there is one.

    Raises TransientError when the broker does not answer in time: a poll without records is no
    proof, unless it has moved the position past the offset.
    """
    consumer.assign(list(wanted))
    consumer.resume(*wanted)
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    give_up_at = time.monotonic() + settings.request_timeout_seconds
    found: dict[TopicPartition, Any] = {}
    while any(_is_awaited(consumer, place, wanted[place]) for place in wanted.keys() - found):
        if time.monotonic() > give_up_at:
            topics = ", ".join({place.topic for place in wanted})
            raise TransientError(f"Kafka did not send the records of {topics} in time")
        for place, records in consumer.poll(timeout_ms=POLL_MS).items():
            found.setdefault(place, records[0])
            consumer.pause(place)
    return {place: record for place, record in found.items() if record.offset == wanted[place]}
