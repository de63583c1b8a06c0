"""Publishes a record to topics, as the producer of a service does.

python -m tests.processes.publisher TOPIC…
"""

from __future__ import annotations

import asyncio
import sys

from postrail.settings import load_settings
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import TOPICS


async def publish(names: list[str]) -> None:
    """Sends one record to each topic, and waits until all are acknowledged."""
    producer = Producer(load_settings().kafka)
    await producer.start()
    try:
        topics = [topic for topic in TOPICS if topic.name in names]
        await producer.send([Entry(topic, "support", b"a record") for topic in topics])
    finally:
        await producer.close()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1:]))
