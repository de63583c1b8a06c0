"""Tests on a real broker that its clock is read from the acknowledgements of offered records."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from postrail.clock import SettableClock, SystemClock
from postrail.clock.samples import Sample
from postrail.embedded.process_ids import until
from postrail.settings import Settings
from postrail.stream.connection import client_options
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import PIPELINE_PROGRESS, apply_topics, check_topics, topic_name

REPORT = Entry(PIPELINE_PROGRESS, "process", b"a report")
WAIT_SECONDS = 20.0
POLL_SECONDS = 0.02


async def sample_after_report(producer: Producer, seconds: float) -> Sample | None:
    """Offers a record, and waits for a reading of the broker's clock for this time."""
    producer.offer(REPORT)
    for _ in range(int(seconds / POLL_SECONDS)):
        if sample := await producer.broker_time():
            return sample
        await asyncio.sleep(POLL_SECONDS)
    return None


async def test_a_record_brings_the_brokers_time_once(settings: Settings) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    # It stands still, as a machine's clock that is wrong.
    clock = SettableClock(datetime(2020, 1, 1, tzinfo=UTC))
    producer = Producer(settings.kafka, clock)
    await producer.start()
    try:
        before = SystemClock().now().timestamp()
        sample = await sample_after_report(producer, WAIT_SECONDS)
        after = SystemClock().now().timestamp()
        assert sample is not None
        # The broker's time is in milliseconds.
        assert before - 0.001 <= sample.server <= after
        assert sample.offset == pytest.approx(sample.server - clock.steady())
        assert await producer.broker_time() is None
    finally:
        await producer.close()


async def test_a_topic_with_the_makers_times_brings_none(settings: Settings) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    admin = KafkaAdminClient(**client_options(settings.kafka))
    name = topic_name(PIPELINE_PROGRESS, settings.kafka)
    configs = {"message.timestamp.type": "CreateTime"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)])
    admin.close()
    assert until(lambda: check_topics(settings.kafka).to_alter == [PIPELINE_PROGRESS], 20)
    producer = Producer(settings.kafka)
    await producer.start()
    try:
        assert await sample_after_report(producer, 3.0) is None
        # It was acknowledged all the same.
        await producer.send([REPORT])
        assert producer._offered.succeeded()
    finally:
        await producer.close()
