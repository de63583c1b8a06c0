"""Asks the broker how far the parser has come, and where the topics of incoming messages end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from postrail.errors import TransientError
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults
from postrail.stream.offsets.metadata import read_metadata
from postrail.stream.offsets.topic_ids import TopicIds
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, topic_name

PARSER = "parser"


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingLogs:
    """The topics of incoming messages; each dictionary is by partition.

    They were read in this order. So what the parser had passed by then lies before `parsed_ends`.
    """

    fetched_id: str | None
    parsed_id: str | None
    # The parser's next offsets in today's mail.fetched.
    passed: Mapping[int, int]
    fetched_ends: Mapping[int, int]
    parsed_ends: Mapping[int, int]


async def incoming_logs(settings: KafkaSettings) -> IncomingLogs:
    """Returns the topics as they are; raises TransientError when one is made anew meanwhile."""
    return await asyncio.to_thread(_incoming_logs, settings)


def _incoming_logs(settings: KafkaSettings) -> IncomingLogs:
    fetched, parsed = topic_name(MAIL_FETCHED, settings), topic_name(MAIL_PARSED, settings)
    topic_ids = TopicIds(settings)
    try:
        before = topic_ids.of([fetched, parsed])
        with kafka_faults(settings):
            client = KafkaAdminClient(**client_options(settings))
            try:
                passed = _passed(client, settings, fetched, before[0])
                fetched_ends = _ends(client, settings, fetched)
                parsed_ends = _ends(client, settings, parsed)
            finally:
                client.close()
        if topic_ids.of([fetched, parsed]) != before:
            raise TransientError(f"{fetched} or {parsed} was made anew while it was looked at")
    finally:
        topic_ids.close()
    return IncomingLogs(
        fetched_id=before[0],
        parsed_id=before[1],
        passed=passed,
        fetched_ends=fetched_ends,
        parsed_ends=parsed_ends,
    )


def _passed(
    client: Any, settings: KafkaSettings, topic: str, topic_id: str | None
) -> dict[int, int]:
    group = f"{settings.prefix}postrail.{PARSER}"
    committed = client.list_group_offsets(group).get(group, {})
    found = {
        place.partition: read_metadata(at.offset, at.metadata or "")[0]
        for place, at in committed.items()
        if place.topic == topic and at.offset >= 0
    }
    # Offsets of an earlier release may be those of an earlier topic: the parser adopts them first.
    return {number: at.next_offset for number, at in found.items() if at.topic_id == topic_id}


def _ends(client: Any, settings: KafkaSettings, topic: str) -> dict[int, int]:
    wanted = {TopicPartition(topic, n): OffsetSpec.LATEST for n in range(settings.partitions)}
    found = client.list_partition_offsets(wanted)
    return {place.partition: at.offset for place, at in found.items()}
