"""Remembers the ids of topics, so that one that was made anew is known, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenTopic:
    """A topic, by its name without the prefix."""

    topic: str
    topic_id: str
    first_seen_at: datetime


async def note(connection: Connection, topic: str, topic_id: str) -> bool:
    """Adds the id of a topic, by its name without the prefix; one seen before keeps its time.

    Returns whether it was not seen before.
    """
    cursor = await connection.execute(
        "INSERT INTO kafka_topic (topic, topic_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [topic, topic_id],
    )
    return cursor.rowcount == 1


async def seen(connection: Connection) -> dict[str, list[SeenTopic]]:
    """Returns the topics that each name had, the oldest first."""
    found = await rows_as(
        connection,
        SeenTopic,
        "SELECT topic, topic_id::text, first_seen_at FROM kafka_topic ORDER BY first_seen_at",
    )
    names = dict.fromkeys(topic.topic for topic in found)
    return {name: [topic for topic in found if topic.topic == name] for name in names}


async def made_anew(connection: Connection) -> dict[str, SeenTopic]:
    """Returns today's topic of each name that had another one before."""
    return {name: ids[-1] for name, ids in (await seen(connection)).items() if len(ids) > 1}
