"""Killed acts have all of their effects or none; a sweeper brings their records to Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from postrail.clock import SettableClock
from postrail.database import Pool
from postrail.operate.issues.act import Desk
from postrail.operate.issues.create import create
from postrail.operate.issues.transition import transition
from postrail.records import IssueChanged
from postrail.settings import KafkaSettings, OutboxSettings, Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.outbox import Sweeper
from postrail.stream.producer import Producer
from postrail.stream.topics import ISSUE_CHANGED, apply_topics, topic_name
from tests.integration.operate.issues.scene import AGENT, LATER, new_issue, query

REPOSITORY = Path(__file__).parents[4]
EFFECTS = (
    "SELECT (SELECT status FROM issue), (SELECT count(*) FROM issue_change),"
    " (SELECT count(*) FROM delivery), (SELECT array_agg(topic ORDER BY topic) FROM outbox)"
)
NONE = ("Open", 0, 0, None)
ALL = ("Done", 2, 1, ["issue.changed", "outgoing.queued"])
ACT = ("issues", "transition", "HELP-1", "Done", "--author", AGENT.address)


@pytest.mark.parametrize(
    ("point", "effects"),
    [
        ("act: locked", NONE),
        ("act: changed", NONE),
        ("act: recorded", NONE),
        ("act: notified", NONE),
        ("act: published", NONE),
        ("act: committed", ALL),
    ],
)
async def test_a_killed_act_has_all_effects_or_none(
    pool: Pool,
    issue: str,
    environment: dict[str, str],
    point: str,
    effects: tuple[Any, ...],
) -> None:
    command = [sys.executable, "-m", "tests.processes.faulty.killed_at", point, *ACT]
    settings = {**os.environ, **environment}
    assert await asyncio.to_thread(ended, command, settings) == -signal.SIGKILL
    assert await query(pool, EFFECTS) == [effects]
    again = [sys.executable, "-m", "services.cli", *ACT]
    assert await asyncio.to_thread(ended, again, settings) == 0
    assert await query(pool, EFFECTS) == [ALL]


KEYS = (
    "SELECT issue_key, merged_into, (SELECT count(*) FROM issue_change),"
    " (SELECT count(*) FROM issue_alias), (SELECT count(*) FROM comment),"
    " (SELECT count(*) FROM outbox WHERE topic = 'issue.changed') FROM issue ORDER BY issue_key"
)
BEFORE = [("HELP-1", None, 0, 0, 0, 0), ("HELP-2", None, 0, 0, 0, 0)]
MOVED = [("HELP-1", None, 1, 1, 0, 1), ("SALE-1", None, 1, 1, 0, 1)]
MERGED = [("HELP-1", None, 2, 1, 1, 2), ("HELP-2", "HELP-1", 2, 1, 1, 2)]


@pytest.mark.parametrize(
    ("act", "point", "effects"),
    [
        ("move", "move: changed", BEFORE),
        ("move", "act: recorded", BEFORE),
        ("move", "act: published", BEFORE),
        ("move", "move: committed", MOVED),
        ("merge", "merge: changed", BEFORE),
        ("merge", "act: recorded", BEFORE),
        ("merge", "act: published", BEFORE),
        ("merge", "merge: committed", MERGED),
    ],
)
async def test_a_killed_move_or_merge_has_all_effects_or_none(
    pool: Pool,
    issue: str,
    environment: dict[str, str],
    act: str,
    point: str,
    effects: list[tuple[Any, ...]],
) -> None:
    second = await new_issue(pool)
    settings = {**os.environ, **environment}
    arguments = ["issues", act, second, "SALE" if act == "move" else issue]
    command = [sys.executable, "-m", "tests.processes.faulty.killed_at", point, *arguments]
    assert await asyncio.to_thread(ended, command, settings) == -signal.SIGKILL
    assert await query(pool, KEYS) == effects
    again = [sys.executable, "-m", "services.cli", *arguments]
    # What is done already is refused.
    code = await asyncio.to_thread(ended, again, settings)
    assert code == (0 if effects == BEFORE else 1)
    assert await query(pool, KEYS) == (MOVED if act == "move" else MERGED)


def ended(command: list[str], settings: dict[str, str]) -> int:
    """Runs a command and returns its exit code."""
    return subprocess.run(command, cwd=REPOSITORY, env=settings, timeout=60, check=False).returncode


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    apply_topics(settings.kafka)
    made = Producer(settings.kafka)
    await made.start()
    yield made
    await made.close()


async def test_the_records_of_acts_are_in_kafka_after_a_sweep(
    desk: Desk, settings: Settings, producer: Producer
) -> None:
    values = {"summary": "Ünïcode", "description": "Two\nlines", "labels": "a,b"}
    issue = (await create(desk, AGENT, "HELP", values)).issue_key
    await transition(desk, AGENT, issue, "Done", resolution="Fixed")
    clock = SettableClock(LATER + timedelta(minutes=1))
    sweeper = Sweeper(desk.pool, producer, OutboxSettings(), clock)
    assert await sweeper.sweep() == 2
    assert await query(desk.pool, "SELECT 1 FROM outbox") == []
    created, done = records(settings.kafka)
    assert (created.act, created.issue_key, created.changed_at) == ("create", issue, LATER)
    after = {one.field: json.loads(one.after or "") for one in created.changes}
    assert {name: after[name] for name in ("summary", "description", "labels", "reporter")} == {
        "summary": "Ünïcode",
        "description": "Two\nlines",
        "labels": ["a", "b"],
        "reporter": AGENT.address,
    }
    assert [(one.field, one.before, one.after) for one in done.changes] == [
        ("status", '"Open"', '"Done"'),
        ("resolution", None, '"Fixed"'),
    ]
    assert (done.actor_address, done.actor_name) == (AGENT.address, AGENT.name)
    assert created.conversation == done.conversation
    assert created.act_id != done.act_id


def records(kafka: KafkaSettings) -> list[IssueChanged]:
    """Returns the records of the topic, those of an issue in their order."""
    consumer: Any = KafkaConsumer(**client_options(kafka), enable_auto_commit=False)
    try:
        name = topic_name(ISSUE_CHANGED, kafka)
        places = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        left = sum(consumer.end_offsets(places).values())
        found: list[IssueChanged] = []
        while len(found) < left:
            for batch in consumer.poll(timeout_ms=1000).values():
                found += [avro.decode_as(IssueChanged, record.value) for record in batch]
        return found
    finally:
        consumer.close()
