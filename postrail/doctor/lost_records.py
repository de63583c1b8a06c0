"""Checks whether Kafka has lost records: topics that were made anew, and what waits for it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from postrail.clock import Clock
from postrail.database import one_connection
from postrail.doctor import Finding, fine, warning, wrong
from postrail.errors import PipelineError
from postrail.incoming import lost
from postrail.records import Record
from postrail.settings import KafkaSettings, Settings
from postrail.stream.offsets import topics_seen
from postrail.stream.offsets.topic_ids import TopicIds
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, OUTGOING_QUEUED, Topic, topic_name

PART = "lost records"
# What these hold is awaited in tables.
AWAITED: tuple[Topic[Record], ...] = (MAIL_FETCHED, MAIL_PARSED, OUTGOING_QUEUED)


async def check_lost_records(settings: Settings, clock: Clock) -> list[Finding]:
    """Returns a finding when a topic was made anew, or messages wait to be published again.

    Needs Kafka, its topics and a migrated database.
    """
    try:
        ids = await asyncio.to_thread(_ids, settings.kafka)
        async with one_connection(settings.database) as connection:
            seen = await topics_seen.seen(connection)
            since = _made_anew(seen, ids, clock.now())
            by_mailbox = await lost.waiting(connection, since.get(MAIL_FETCHED.name))
    except PipelineError as error:
        return [wrong(PART, error)]
    waiting = sum(by_mailbox.values())
    if not since and not waiting:
        return []
    topics = ", ".join(f"{name} (seen since {at:%Y-%m-%d %H:%M} UTC)" for name, at in since.items())
    says = f"made anew: {topics}; " if topics else ""
    if not waiting:
        return [fine(PART, f"{says}no message waits for a record of an earlier topic")]
    return [
        warning(
            PART,
            f"{says}messages that wait to be asked for again: {waiting}",
            setting="",
            remedy="The fetcher asks for them by itself, once the handler has taken in what"
            " mail.parsed holds: see that fetcher, parser and handler run, and find out why Kafka"
            " lost its data",
        )
    ]


def _ids(settings: KafkaSettings) -> dict[str, str | None]:
    topic_ids = TopicIds(settings)
    try:
        found = topic_ids.of([topic_name(topic, settings) for topic in AWAITED])
    finally:
        topic_ids.close()
    return {topic.name: topic_id for topic, topic_id in zip(AWAITED, found, strict=True)}


def _made_anew(
    seen: dict[str, list[topics_seen.SeenTopic]], ids: dict[str, str | None], now: datetime
) -> dict[str, datetime]:
    """Returns since when today's topics are known, of names that had another one before.

    One that no service has seen yet is known since now.
    """
    unseen = {
        name: now
        for name, topics in seen.items()
        if ids.get(name) not in (None, topics[-1].topic_id)
    }
    known = {name: topics[-1].first_seen_at for name, topics in seen.items() if len(topics) > 1}
    return {**known, **unseen}
