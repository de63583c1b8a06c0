"""Remembers the ids of topics, so that one that was made anew is known, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenTopic:
    """One of the topics that had this name, oldest first."""

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


async def made_anew(connection: Connection) -> list[SeenTopic]:
    """Returns today's topics of those names that had another one before."""
    return await rows_as(
        connection,
        SeenTopic,
        "SELECT topic, topic_id::text, first_seen_at FROM ("
        "  SELECT DISTINCT ON (topic) topic, topic_id, first_seen_at,"
        "   count(*) OVER (PARTITION BY topic) AS ids"
        "  FROM kafka_topic ORDER BY topic, first_seen_at DESC) AS latest"
        " WHERE ids > 1",
    )
