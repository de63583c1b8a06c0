"""A broker whose disk was full loses no acknowledged record, and sets none aside in silence."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from postrail.embedded.kafka import Kafka
from postrail.embedded.partition_folders import METADATA
from postrail.embedded.process_ids import until
from postrail.errors import ConfigurationError
from tests.servers.shared_parts import make_kafka
from tests.servers.small_disk import small_disk

TOPIC, PARTITIONS = "mail", 3
RECORDS = 30

pytestmark = pytest.mark.timeout(180)

# Of each acknowledged record: its partition, its offset and its content.
Acknowledged = set[tuple[int, int, bytes]]


@pytest.fixture
def kafka(own_broker: Kafka) -> Kafka:
    return own_broker


def log_of(kafka: Kafka) -> Path:
    return kafka.folder / "log"


def make_topic(kafka: Kafka, name: str = TOPIC) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers, request_timeout_ms=3000)
    with contextlib.closing(admin):
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])


@contextlib.contextmanager
def producing(kafka: Kafka) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, acks="all", request_timeout_ms=2000
    )
    with contextlib.closing(producer):
        yield producer


def produce(kafka: Kafka, count: int = RECORDS) -> Acknowledged:
    with producing(kafka) as producer:
        sent = [
            (producer.send(TOPIC, b"%d" % n, partition=n % PARTITIONS), b"%d" % n)
            for n in range(count)
        ]
        return {
            (n % PARTITIONS, future.get(20).offset, value) for n, (future, value) in enumerate(sent)
        }


def produce_until_full(kafka: Kafka, producer: KafkaProducer) -> Acknowledged:
    """Makes topics too: a full disk leaves the files of new partitions unfinished."""
    acknowledged: Acknowledged = set()
    with contextlib.suppress(KafkaError):
        for number in range(1000):
            if number % 3 == 0:
                make_topic(kafka, f"new-{number}")
            value = b"%d" % number * 1000
            placed = producer.send(TOPIC, value, partition=0).get(4)
            acknowledged.add((0, placed.offset, value))
    return acknowledged


def kept(kafka: Kafka) -> Acknowledged:
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    with contextlib.closing(consumer):
        partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: Acknowledged = set()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                found |= {(record.partition, record.offset, record.value) for record in records}
        return found


def strays(kafka: Kafka) -> list[str]:
    return sorted(path.name for path in log_of(kafka).glob("*-stray"))


def set_aside(kafka: Kafka) -> None:
    """Lets the broker start without our preparation, as earlier releases did."""
    kafka.child.start()
    until(lambda: bool(strays(kafka)), 60)
    kafka.stop()
    assert strays(kafka)


def test_a_full_disk_loses_nothing_that_was_acknowledged(own_folder: Path) -> None:
    with small_disk(own_folder / "disk", 64) as disk:
        kafka = make_kafka(disk.folder / "kafka")
        try:
            kafka.start()
            make_topic(kafka)
            acknowledged = produce(kafka)
            disk.fill(leave=100_000)
            # Closed when the broker is there again, and has what was sent last.
            with producing(kafka) as producer:
                acknowledged |= produce_until_full(kafka, producer)
                until(lambda: not kafka.child.running, 60)
                assert not kafka.child.running
                with pytest.raises(OSError, match=f"No space left on device: '{kafka.folder}"):
                    kafka.start()
                disk.free()
                kafka.start()
            assert acknowledged <= kept(kafka)
            assert strays(kafka) == []
            assert produce(kafka) <= kept(kafka)
        finally:
            kafka.stop()


def test_a_partition_that_lost_its_topic_id_is_not_set_aside(kafka: Kafka) -> None:
    make_topic(kafka)
    acknowledged = produce(kafka)
    kafka.stop()
    (log_of(kafka) / f"{TOPIC}-1" / METADATA).unlink()
    (log_of(kafka) / f"{TOPIC}-2" / METADATA).write_text("")
    kafka.start()
    assert kept(kafka) == acknowledged
    assert strays(kafka) == []


def test_what_was_set_aside_is_put_back(kafka: Kafka) -> None:
    make_topic(kafka)
    acknowledged = produce(kafka)
    kafka.stop()
    (log_of(kafka) / f"{TOPIC}-1" / METADATA).unlink()
    set_aside(kafka)
    lines: list[str] = []
    kafka.launch(lines.append)
    kafka.wait_ready()
    assert len(lines) == 1
    assert f"restored {log_of(kafka)}/{TOPIC}-1" in lines[0]
    assert kept(kafka) == acknowledged
    assert strays(kafka) == []


def test_records_that_would_be_set_aside_prevent_the_start_by_name(kafka: Kafka) -> None:
    make_topic(kafka)
    acknowledged = produce(kafka)
    kafka.stop()
    contents = {}
    for number in range(PARTITIONS):
        file = log_of(kafka) / f"{TOPIC}-{number}" / METADATA
        contents[file] = file.read_text()
        file.unlink()
    with pytest.raises(ConfigurationError) as found:
        kafka.start()
    assert f"{log_of(kafka)}/{TOPIC}-0" in str(found.value)
    assert "move this folder" in str(found.value)
    assert not kafka.child.running
    for file, content in contents.items():
        file.write_text(content)
    kafka.start()
    assert kept(kafka) == acknowledged


@pytest.mark.parametrize("lost", ["meta.properties", "__cluster_metadata-0"])
def test_no_cluster_is_made_anew_beside_records(kafka: Kafka, lost: str, tmp_path: Path) -> None:
    make_topic(kafka)
    acknowledged = produce(kafka)
    kafka.stop()
    shutil.move(log_of(kafka) / lost, tmp_path)
    with pytest.raises(ConfigurationError, match=f"{lost} is missing, but .*{TOPIC}-0 holds"):
        kafka.start()
    assert not (log_of(kafka) / lost).exists()
    shutil.move(tmp_path / lost, log_of(kafka))
    kafka.start()
    assert kept(kafka) == acknowledged


def test_topics_that_the_cluster_has_forgotten_are_named_before_they_are_made_anew(
    kafka: Kafka,
) -> None:
    make_topic(kafka)
    produce(kafka)
    kafka.stop()
    # Emptied instead of removed: only the broker can tell what it has forgotten.
    for file in (log_of(kafka) / "__cluster_metadata-0").iterdir():
        if file.suffix in (".log", ".index", ".timeindex", ".checkpoint", ".snapshot"):
            file.unlink()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=f"set the partition {TOPIC}-0 aside"):
            kafka.start()
        assert not kafka.child.running
