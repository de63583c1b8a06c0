"""Retention on a real broker removes old records, and none of a process whose clock is behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from postrail.embedded import kafka as embedded
from postrail.embedded.kafka import Kafka
from postrail.embedded.process_ids import until
from postrail.records import Record
from postrail.settings import Settings
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, Topic, apply_topics, topic_name
from tests.makers.settings import environment_of, settings_of
from tests.processes.faulty.shifted_clock import Shift
from tests.servers.shared_parts import make_kafka

REPOSITORY = Path(__file__).parents[3]
CHECK_SECONDS = 0.5
SEGMENT_SECONDS = 1.0
BEHIND_SECONDS = 31 * 86400.0


@pytest.fixture
def quick_broker(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kafka]:
    """Starts a Kafka that looks for records to remove all the time."""
    milliseconds = str(int(CHECK_SECONDS * 1000))
    quick = {
        "log.retention.check.interval.ms": milliseconds,
        "log.segment.delete.delay.ms": "0",
        "log.initial.task.delay.ms": milliseconds,
    }
    monkeypatch.setattr(embedded, "PROPERTIES", embedded.PROPERTIES | quick)
    kafka = make_kafka(own_folder / "kafka")
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.stop()


class Log:
    """The topics of an installation with one partition each."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.settings: Settings = settings_of(environment)
        self._environment = environment
        self._shift = Shift(folder / "shift")
        self._admin = KafkaAdminClient(**client_options(self.settings.kafka))

    def close(self) -> None:
        self._admin.close()

    def configure(self, topic: Topic[Record], **configs: str) -> None:
        """Changes settings of a topic, which are spelt with underscores here."""
        name = topic_name(topic, self.settings.kafka)
        spelt = {key.replace("_", "."): value for key, value in configs.items()}
        resource = ConfigResource(ConfigResourceType.TOPIC, name, spelt)
        self._admin.alter_configs([resource], raise_on_unknown=False)

        def is_set() -> bool:
            asked = ConfigResource(ConfigResourceType.TOPIC, name)
            found = self._admin.describe_configs([asked], config_filter="all")["topic"][name]
            return all(found[key]["value"] == value for key, value in spelt.items())

        assert until(is_set, 20)

    def publish(self, *topics: Topic[Record], ahead_seconds: float = 0.0) -> None:
        """Publishes a record to each topic by a process with this clock."""
        self._shift.set(ahead_seconds)
        names = [topic.name for topic in topics]
        subprocess.run(
            [sys.executable, *self._shift.command("tests.processes.publisher", *names)],
            cwd=REPOSITORY,
            env={**os.environ, **self._environment},
            check=True,
            timeout=60,
        )

    def span(self, topic: Topic[Record]) -> tuple[int, int]:
        """Returns the first offset that is there, and the next one."""
        partition = TopicPartition(topic_name(topic, self.settings.kafka), 0)
        first, last = (
            self._admin.list_partition_offsets({partition: spec})[partition].offset
            for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
        )
        return first, last


@pytest.fixture
def log(quick_broker: Kafka, tmp_path: Path) -> Iterator[Log]:
    environment = environment_of(
        tmp_path, bootstrap_servers=quick_broker.bootstrap_servers, database_url="postgresql://x"
    )
    found = Log({**environment, "POSTRAIL_KAFKA__PARTITIONS": "1"}, tmp_path)
    yield found
    found.close()


def test_a_record_of_a_process_that_is_31_days_behind_stays(log: Log) -> None:
    topics: tuple[Topic[Record], ...] = (MAIL_FETCHED, MAIL_PARSED)
    apply_topics(log.settings.kafka)
    for topic in topics:
        log.configure(topic, segment_ms=str(int(SEGMENT_SECONDS * 1000)))
    # As an earlier release made its topics.
    log.configure(MAIL_PARSED, message_timestamp_type="CreateTime")

    log.publish(*topics, ahead_seconds=-BEHIND_SECONDS)
    assert [log.span(topic)[1] for topic in topics] == [1, 1]
    time.sleep(SEGMENT_SECONDS)
    # Closes the segment that holds the first record, unless retention has removed that already.
    log.publish(*topics)

    assert until(lambda: log.span(MAIL_PARSED) == (1, 2), 30), "retention removed nothing"
    time.sleep(3 * CHECK_SECONDS)
    assert log.span(MAIL_FETCHED) == (0, 2)
