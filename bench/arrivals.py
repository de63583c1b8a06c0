"""Measures the time from the delivery of single messages to their records in mail.fetched."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Self

from kafka import KafkaConsumer, TopicPartition

from bench.installation import Installation
from postrail.records import MailFetched
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, topic_name

POLL_MS = 20


class Arrivals:
    """Reads the new records of mail.fetched."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        kafka = installation.settings.kafka
        self._consumer = KafkaConsumer(**client_options(kafka), enable_auto_commit=False)
        topic = topic_name(MAIL_FETCHED, kafka)
        partitions = [TopicPartition(topic, number) for number in range(kafka.partitions)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            # seek_to_end() is lazy: asking for the position makes it take effect now.
            self._consumer.position(partition)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close(autocommit=False)

    def measure(
        self,
        users: Sequence[str],
        mails: Sequence[bytes],
        *,
        per_second: float,
        late_seconds: float,
    ) -> list[float]:
        """Delivers a message to each user by LMTP; returns the sorted seconds until each arrived.

        Raises TimeoutError if one has not arrived `late_seconds` after the last delivery.
        """
        delivered: dict[str, float] = {}
        postman = threading.Thread(target=self._deliver, args=(users, mails, per_second, delivered))
        postman.start()
        took: dict[str, float] = {}
        deadline = time.monotonic() + len(users) / per_second + late_seconds
        while len(took) < len(users):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(users) - len(took)} messages have not arrived")
            for records in self._consumer.poll(timeout_ms=POLL_MS).values():
                for mark in (_mark(record.value) for record in records):
                    # A killed fetcher's last messages repeat, also those of an earlier measure.
                    if mark in delivered:
                        took.setdefault(mark, time.time() - delivered[mark])
        postman.join()
        return sorted(took.values())

    def _deliver(
        self,
        users: Sequence[str],
        mails: Sequence[bytes],
        per_second: float,
        delivered: dict[str, float],
    ) -> None:
        begun = time.monotonic()
        for number, (user, content) in enumerate(zip(users, mails, strict=False)):
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            mark = f"{number}-{begun}"
            delivered[mark] = time.time()
            self._installation.dovecot.deliver(user, f"X-Mark: {mark}\r\n".encode() + content)


def _mark(value: bytes) -> str:
    record = avro.decode(value)
    assert isinstance(record, MailFetched)
    body = record.body or b""
    return body.partition(b"X-Mark: ")[2].partition(b"\r\n")[0].decode()


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the value below which this share of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))]
