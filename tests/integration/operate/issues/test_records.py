"""The records of acts reach Kafka by a service's sweeper, whole and in order of an issue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from postrail.clock import SettableClock
from postrail.operate.issues.act import Desk
from postrail.operate.issues.create import create
from postrail.operate.issues.transition import transition
from postrail.records import IssueChanged
from postrail.settings import KafkaSettings, OutboxSettings, Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.outbox import Sweeper
from postrail.stream.producer import Producer
from postrail.stream.topics import ISSUE_CHANGED, apply_topics, topic_name
from tests.integration.operate.issues.scene import AGENT, LATER, query


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    apply_topics(settings.kafka)
    made = Producer(settings.kafka)
    await made.start()
    yield made
    await made.close()


async def test_the_records_of_acts_are_in_kafka_after_a_sweep(
    desk: Desk, settings: Settings, producer: Producer
) -> None:
    values = {"summary": "Ünïcode", "description": "Two\nlines", "labels": "a,b"}
    issue = (await create(desk, AGENT, "HELP", values)).issue_key
    await transition(desk, AGENT, issue, "Done", resolution="Fixed")
    clock = SettableClock(LATER + timedelta(minutes=1))
    sweeper = Sweeper(desk.pool, producer, OutboxSettings(), clock)
    assert await sweeper.sweep() == 2
    assert await query(desk.pool, "SELECT 1 FROM outbox") == []
    created, done = records(settings.kafka)
    assert (created.act, created.issue_key, created.changed_at) == ("create", issue, LATER)
    after = {one.field: json.loads(one.after or "") for one in created.changes}
    assert {name: after[name] for name in ("summary", "description", "labels", "reporter")} == {
        "summary": "Ünïcode",
        "description": "Two\nlines",
        "labels": ["a", "b"],
        "reporter": AGENT.address,
    }
    assert [(one.field, one.before, one.after) for one in done.changes] == [
        ("status", '"Open"', '"Done"'),
        ("resolution", None, '"Fixed"'),
    ]
    assert (done.actor_address, done.actor_name) == (AGENT.address, AGENT.name)
    assert created.conversation == done.conversation
    assert created.act_id != done.act_id


def records(kafka: KafkaSettings) -> list[IssueChanged]:
    """Returns the records of the topic, those of an issue in their order."""
    consumer: Any = KafkaConsumer(**client_options(kafka), enable_auto_commit=False)
    try:
        name = topic_name(ISSUE_CHANGED, kafka)
        places = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        left = sum(consumer.end_offsets(places).values())
        found: list[IssueChanged] = []
        while len(found) < left:
            for batch in consumer.poll(timeout_ms=1000).values():
                found += [avro.decode_as(IssueChanged, record.value) for record in batch]
        return found
    finally:
        consumer.close()
