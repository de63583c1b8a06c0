"""Asks the broker for the ids of topics: a topic that is made anew gets another one. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient

from postrail.errors import TransientError
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults


class TopicIds:
    """A connection for the ids; 2 ms a question. Connects at the first one."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: Any = None

    def of(self, names: Sequence[str]) -> list[str | None]:
        """Returns the ids of topics by their names on the broker; None from one older than 2.8.

        Raises TransientError when one does not exist, or the broker is unavailable.
        """
        with kafka_faults(self._settings):
            if self._client is None:
                self._client = KafkaAdminClient(**client_options(self._settings))
            found = {topic["name"]: topic for topic in self._client.describe_topics(list(names))}
        return [_id_of(name, found.get(name, {})) for name in names]

    def close(self) -> None:
        """Disconnects."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _id_of(name: str, description: dict[str, Any]) -> str | None:
    if not description.get("partitions"):
        raise TransientError(
            f"Kafka has no topic {name}",
            setting="POSTRAIL_KAFKA__PREFIX",
            remedy="Run: postrail topics apply; or correct the prefix, if theirs is another one",
        )
    topic_id = description.get("topic_id")
    return str(topic_id) if topic_id else None
