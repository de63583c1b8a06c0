"""Tests the topics on a real broker: created once, then unchanged, refused when they differ."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from postrail.embedded.process_ids import until
from postrail.errors import ConfigurationError
from postrail.settings import KafkaSettings, Settings
from postrail.stream.connection import client_options
from postrail.stream.topics import (
    MAIL_FETCHED,
    MAIL_PARSED,
    MAILBOX_CHECK_REQUESTED,
    TOPICS,
    AppliedTopics,
    Topic,
    TopicAdmin,
    TopicCheck,
    apply_topics,
    check_topics,
    topic_name,
)

DAY_MS = 24 * 3600 * 1000


def changed(settings: Settings, **changes: int) -> KafkaSettings:
    """Returns the settings of the same installation with other values for its topics."""
    return settings.kafka.model_copy(update=changes)


def delete_parsed(settings: Settings) -> None:
    """Deletes mail.parsed and waits until the broker no longer lists it."""
    name = topic_name(MAIL_PARSED, settings.kafka)
    admin = KafkaAdminClient(**client_options(settings.kafka))
    try:
        admin.delete_topics([name])
        assert until(lambda: name not in admin.list_topics(), 20)
    finally:
        admin.close()


def alter(settings: Settings, topic: Topic[Any], configs: dict[str, str]) -> None:
    """Changes a topic as an operator can with the broker's tools."""
    name = topic_name(topic, settings.kafka)
    admin = KafkaAdminClient(**client_options(settings.kafka))
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)])
    admin.close()


def test_creates_all_topics_as_declared(settings: Settings) -> None:
    done = apply_topics(settings.kafka)
    assert done.altered == []
    assert done.created == [settings.kafka.prefix + topic.name for topic in TOPICS]
    with TopicAdmin(settings.kafka) as admin:
        found = admin.found()
    assert {topic.partitions for topic in found.values()} == {4}
    parsed = found[MAIL_PARSED.name].configs
    assert parsed["retention.ms"] == str(30 * DAY_MS)
    assert parsed["cleanup.policy"] == "delete"
    assert parsed["message.timestamp.type"] == "LogAppendTime"
    assert parsed["unclean.leader.election.enable"] == "false"
    assert found[MAILBOX_CHECK_REQUESTED.name].configs["retention.ms"] == str(3600 * 1000)


def test_a_second_call_changes_nothing(settings: Settings) -> None:
    apply_topics(settings.kafka)
    assert apply_topics(settings.kafka) == AppliedTopics(created=[], altered=[])
    assert check_topics(settings.kafka) == TopicCheck(missing=[], to_alter=[], problems=[])


def test_creates_missing_topics_only(settings: Settings) -> None:
    apply_topics(settings.kafka)
    delete_parsed(settings)
    assert apply_topics(settings.kafka).created == [topic_name(MAIL_PARSED, settings.kafka)]


def test_refuses_another_number_of_partitions(settings: Settings) -> None:
    apply_topics(settings.kafka)
    with pytest.raises(ConfigurationError) as raised:
        apply_topics(changed(settings, partitions=8))
    assert "mail.parsed has 4 partitions, wanted 8" in str(raised.value)
    assert "POSTRAIL_KAFKA__PARTITIONS" in str(raised.value)


def test_refuses_another_retention(settings: Settings) -> None:
    apply_topics(settings.kafka)
    with pytest.raises(ConfigurationError) as raised:
        apply_topics(changed(settings, retention_days=60))
    wanted = f"mail.parsed: retention.ms is {30 * DAY_MS}, wanted {60 * DAY_MS}"
    assert wanted in str(raised.value)
    assert "POSTRAIL_KAFKA__RETENTION_DAYS" in str(raised.value)


def test_refuses_a_topic_that_was_changed_on_the_broker(settings: Settings) -> None:
    apply_topics(settings.kafka)
    alter(settings, MAIL_PARSED, {"cleanup.policy": "compact"})
    assert until(lambda: check_topics(settings.kafka).problems != [], 20)
    with pytest.raises(ConfigurationError, match=r"cleanup\.policy is compact, wanted delete"):
        apply_topics(settings.kafka)


def test_records_of_existing_topics_get_the_brokers_time(settings: Settings) -> None:
    # As an earlier release made it.
    apply_topics(settings.kafka)
    alter(settings, MAIL_FETCHED, {"message.timestamp.type": "CreateTime"})
    assert until(lambda: check_topics(settings.kafka).to_alter == [MAIL_FETCHED], 20)
    assert check_topics(settings.kafka).problems == []

    assert apply_topics(settings.kafka).altered == [topic_name(MAIL_FETCHED, settings.kafka)]

    assert until(lambda: check_topics(settings.kafka).to_alter == [], 20)
    with TopicAdmin(settings.kafka) as admin:
        configs = admin.found()[MAIL_FETCHED.name].configs
    assert configs["message.timestamp.type"] == "LogAppendTime"
    # What else was set is kept.
    assert configs["retention.ms"] == str(30 * DAY_MS)


def publish(settings: Settings, topic: Topic[Any], made: datetime) -> None:
    """Publishes a record whose maker says that it is this time."""
    producer = KafkaProducer(**client_options(settings.kafka))
    name, milliseconds = topic_name(topic, settings.kafka), int(made.timestamp() * 1000)
    producer.send(name, b"a record", partition=0, timestamp_ms=milliseconds).get(timeout=20)
    producer.close()


def times(settings: Settings, topic: Topic[Any], count: int) -> list[datetime]:
    """Returns the times of the first records of partition 0."""
    partition = TopicPartition(topic_name(topic, settings.kafka), 0)
    consumer = KafkaConsumer(**client_options(settings.kafka), consumer_timeout_ms=20_000)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        found = [record.timestamp for record in itertools.islice(consumer, count)]
    finally:
        consumer.close()
    return [datetime.fromtimestamp(milliseconds / 1000, UTC) for milliseconds in found]


def test_earlier_records_keep_their_times(settings: Settings) -> None:
    # Stored offsets name the time of the record before them.
    apply_topics(settings.kafka)
    alter(settings, MAIL_FETCHED, {"message.timestamp.type": "CreateTime"})
    assert until(lambda: check_topics(settings.kafka).to_alter == [MAIL_FETCHED], 20)
    made = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    publish(settings, MAIL_FETCHED, made)
    assert times(settings, MAIL_FETCHED, 1) == [made]

    apply_topics(settings.kafka)
    assert until(lambda: check_topics(settings.kafka).to_alter == [], 20)
    publish(settings, MAIL_FETCHED, made)

    first, second = times(settings, MAIL_FETCHED, 2)
    assert first == made
    assert abs(datetime.now(UTC) - second) < timedelta(minutes=1)
    assert times(settings, MAIL_FETCHED, 2) == [first, second]


def test_missing_topics_are_not_created_while_another_differs(settings: Settings) -> None:
    apply_topics(settings.kafka)
    delete_parsed(settings)
    other = changed(settings, partitions=8)
    with pytest.raises(ConfigurationError):
        apply_topics(other)
    with TopicAdmin(settings.kafka) as client:
        assert MAIL_PARSED.name not in client.found()
