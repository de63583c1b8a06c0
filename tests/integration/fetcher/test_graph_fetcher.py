"""The fetcher on the fake of Microsoft Graph, with real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from postrail.configuration.models.project import Project
from postrail.configuration.store import save
from postrail.database import open_pool, transaction
from postrail.mailbox_state.reconciliation import request
from postrail.records import MailFetched
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, apply_topics, topic_name
from tests.fakes.fetching import until_blocking
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailboxes import GraphMailbox
from tests.fakes.graph_scene import ADDRESS, graph_account
from tests.servers.certificates import Certificates

REPOSITORY = Path(__file__).parents[3]
TIMES = 40


def mail(number: int, size: int = 0) -> bytes:
    """Makes a message with its number in the subject, and padding."""
    head = f"Subject: Mail {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"x" * 70 * (size // 72) + b"\r\n"


class Scene:
    """A mailbox on the fake, and fetchers that a test starts and kills."""

    def __init__(
        self,
        graph: FakeGraph,
        certificates: Certificates,
        settings: Settings,
        environment: dict[str, str],
        log: Path,
    ) -> None:
        self.graph = graph
        self.server: GraphMailbox = graph.add_mailbox(ADDRESS)
        self.settings = settings
        self.url = settings.database.url.get_secret_value()
        self.log = log
        self._certificates = certificates
        token = graph.grant("Mail.ReadWrite")
        quick = {
            # After this time the group drops a member that was killed.
            "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
            "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
        }
        self._environment = os.environ | environment | quick | {"GRAPH_TOKEN": token}

    async def configure(self, **changes: Any) -> None:
        """Makes topics, a project and the account."""
        await asyncio.to_thread(apply_topics, self.settings.kafka)
        account = graph_account(self.graph, self._certificates, **({"poll_seconds": 1} | changes))
        pool = await open_pool(self.settings.database)
        async with transaction(pool) as connection:
            for thing in (Project(key="HELP", name="Help"), account):
                now = datetime.now(UTC)
                await save(connection, thing, before=None, author="test", now=now)
        await pool.close()

    @contextlib.contextmanager
    def fetcher(self, *point: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Runs a process during the block."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.processes.graph_fetcher", *point],
                cwd=REPOSITORY,
                env=self._environment | environment,
                stdout=output,
                stderr=output,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    async def dies(self, point: str) -> None:
        """Runs a fetcher that kills itself at the point."""
        with self.fetcher(point) as process:
            code = await asyncio.to_thread(process.wait, TIMES)
            assert code == -signal.SIGKILL, self.log.read_text()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def recorded(self) -> list[str]:
        """Returns the ids of the messages with a row."""
        found = self.query("SELECT source FROM incoming_mail WHERE state = 'fetched'")
        return sorted(source.rpartition("graph=")[2] for (source,) in found)

    async def until_recorded(self, count: int) -> None:
        await until_blocking(lambda: len(self.recorded()) >= count, TIMES)

    async def until_looked(self, looks: int = 2) -> None:
        """Waits for this number of further delta requests, so that earlier changes are seen."""
        asked = self.graph.asked("messages/delta")
        await until_blocking(lambda: self.graph.asked("messages/delta") >= asked + looks, TIMES)

    def fetched(self) -> list[MailFetched]:
        """Reads all records of mail.fetched."""
        topic = topic_name(MAIL_FETCHED, self.settings.kafka)
        numbers = range(self.settings.kafka.partitions)
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer = KafkaConsumer(**client_options(self.settings.kafka), enable_auto_commit=False)
        try:
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            missing = sum(consumer.end_offsets(partitions).values())
            found: list[MailFetched] = []
            while len(found) < missing:
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        decoded = avro.decode(record.value)
                        assert isinstance(decoded, MailFetched)
                        found.append(decoded)
            return found
        finally:
            consumer.close(autocommit=False)


@pytest.fixture
def scene(
    certificates: Certificates, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> Iterator[Scene]:
    with FakeGraph(certificates) as graph:
        yield Scene(graph, certificates, settings, environment, tmp_path / "fetcher.log")


def finished(scene: Scene, after_download: str) -> int:
    """Counts the messages that are marked, moved or removed, as the account wants it."""
    mails = scene.server.mails.values()
    places = {"move": "Done", "remove": "Gelöschte Elemente"}
    if after_download == "seen":
        return sum(mail.is_read for mail in mails)
    return sum(mail.folder.name == places[after_download] for mail in mails)


# The point of the kill, the setting of after_download, and how many of three messages are recorded
# and finished right after the kill.
DEATHS = [
    ("numbered", "move", 0, 0),
    ("read", "move", 0, 0),
    ("blob", "move", 0, 0),
    ("acknowledged", "move", 0, 0),
    ("recorded", "move", 3, 0),
    ("half finished", "move", 3, 1),
    ("finished", "move", 3, 3),
    ("link saved", "move", 3, 3),
    ("recorded", "seen", 3, 0),
    ("half finished", "seen", 3, 1),
    ("finished", "seen", 3, 3),
    ("recorded", "remove", 3, 0),
    ("half finished", "remove", 3, 1),
    ("finished", "remove", 3, 3),
]


@pytest.mark.parametrize(("point", "wanted", "recorded", "done"), DEATHS)
async def test_after_a_kill_at_each_point_a_successor_completes_the_work(
    scene: Scene, point: str, wanted: str, recorded: int, done: int
) -> None:
    await scene.configure(after_download=wanted, move_to="Done" if wanted == "move" else "")
    mails = [scene.server.deliver(mail(n, 1_500_000 if n == 2 else 0)) for n in (1, 2, 3)]
    await scene.dies(point)
    assert (len(scene.recorded()), finished(scene, wanted)) == (recorded, done)
    with scene.fetcher():
        await scene.until_recorded(3)
        await until_blocking(lambda: finished(scene, wanted) == 3, TIMES)
        await scene.until_looked()
    assert scene.recorded() == sorted(mail.immutable_id for mail in mails)
    counts = Counter(record.mail_id for record in await asyncio.to_thread(scene.fetched))
    assert len(counts) == 3
    # Messages in Kafka but not in PostgreSQL are published again, with the same id.
    assert set(counts.values()) == {2 if point == "acknowledged" else 1}


async def test_a_successor_leaves_messages_that_a_person_has_marked_unread(scene: Scene) -> None:
    await scene.configure()
    mails = [scene.server.deliver(mail(number)) for number in (1, 2)]
    with scene.fetcher():
        await until_blocking(lambda: finished(scene, "seen") == 2, TIMES)
        await scene.until_looked()
    scene.server.mark(mails[0], is_read=False)
    with scene.fetcher():
        await scene.until_looked()
    assert [mail.is_read for mail in mails] == [False, True]
    assert len(await asyncio.to_thread(scene.fetched)) == 2


async def test_an_interrupted_download_is_repeated_and_makes_one_record(scene: Scene) -> None:
    await scene.configure()
    large = mail(1, 6_000_000)
    scene.server.deliver(large)
    # A third interruption would make the message unreadable.
    for at in (5, 5_900_000):
        scene.graph.cut("$value", at)
    with scene.fetcher():
        await scene.until_recorded(1)
    (record,) = await asyncio.to_thread(scene.fetched)
    assert record.size == len(large)
    assert scene.query("SELECT state FROM incoming_mail") == [("fetched",)]


async def test_a_message_that_graph_never_delivers_fails_alone(scene: Scene) -> None:
    await scene.configure()
    bad, good = (scene.server.deliver(mail(number)) for number in (1, 2))
    scene.graph.refuse(
        500, "ErrorInternalServerError", part=f"{bad.immutable_id}/$value", times=1000
    )
    with scene.fetcher():
        await scene.until_recorded(1)
        await until_blocking(
            lambda: scene.query("SELECT count(*) FROM incoming_mail") == [(2,)], TIMES
        )
    assert scene.recorded() == [good.immutable_id]
    ((reason,),) = scene.query("SELECT reason FROM incoming_mail WHERE state = 'failed'")
    assert reason.startswith("could not be fetched: ")


async def test_a_throttled_mailbox_waits_as_long_as_the_server_asks(scene: Scene) -> None:
    await scene.configure()
    mails = [scene.server.deliver(mail(number)) for number in range(5)]
    # Being throttled four times during the third message does not make it a suspect.
    part = f"{mails[2].immutable_id}/$value"
    scene.graph.throttle(4, seconds=1, part=part)
    scene.graph.throttle(status=503, seconds=1, part="PATCH")
    with scene.fetcher():
        await scene.until_recorded(5)
        await until_blocking(lambda: finished(scene, "seen") == 5, TIMES)
    assert scene.query("SELECT DISTINCT state FROM incoming_mail") == [("fetched",)]
    assert scene.log.read_text().count("asks for a pause") == 5
    assert len(await asyncio.to_thread(scene.fetched)) == 5


async def test_an_expired_delta_fetches_no_message_twice(scene: Scene) -> None:
    await scene.configure()
    for number in range(3):
        scene.server.deliver(mail(number))
    with scene.fetcher():
        await scene.until_recorded(3)
        await scene.until_looked()
        scene.graph.expire_delta_tokens(ADDRESS)
        scene.server.deliver(mail(3))
        await scene.until_recorded(4)
    # Also while no fetcher runs.
    scene.graph.expire_delta_tokens(ADDRESS, "resyncRequired")
    scene.server.deliver(mail(4))
    with scene.fetcher():
        await scene.until_recorded(5)
        await scene.until_looked()
    records = await asyncio.to_thread(scene.fetched)
    assert len(records) == len({record.mail_id for record in records}) == 5


async def test_a_message_that_delta_lost_is_found_by_the_full_listing(scene: Scene) -> None:
    await scene.configure()
    scene.server.deliver(mail(1))
    with scene.fetcher():
        await scene.until_recorded(1)
        await scene.until_looked()
        scene.server.lose = 1
        lost = scene.server.deliver(mail(2))
        await scene.until_looked()
        assert lost.immutable_id not in scene.recorded()
    # An hour passes.
    scene.query("UPDATE graph_delta SET listed_at = now() - interval '1 hour' RETURNING 1")
    with scene.fetcher():
        await scene.until_recorded(2)
        await scene.until_looked()
    assert len(await asyncio.to_thread(scene.fetched)) == 2


async def test_a_message_moved_away_before_its_fetch_is_fetched_when_it_comes_back(
    scene: Scene,
) -> None:
    await scene.configure()
    first, second = (scene.server.deliver(mail(number)) for number in (1, 2))
    await scene.dies("numbered")
    scene.server.move(first, scene.server.well_known["archive"])
    with scene.fetcher():
        await scene.until_recorded(1)
        await scene.until_looked()
    assert scene.recorded() == [second.immutable_id]
    scene.server.move(first, scene.server.inbox)
    # Delta does not report it again; the full listing does, an hour later.
    scene.query("UPDATE graph_delta SET listed_at = now() - interval '1 hour' RETURNING 1")
    with scene.fetcher():
        await scene.until_recorded(2)
        await scene.until_looked()
    assert len(await asyncio.to_thread(scene.fetched)) == 2


async def test_a_message_moved_away_and_back_is_not_fetched_twice(scene: Scene) -> None:
    await scene.configure(after_download="leave")
    there = scene.server.deliver(mail(1))
    with scene.fetcher():
        await scene.until_recorded(1)
        scene.server.move(there, scene.server.well_known["archive"])
        await scene.until_looked()
        scene.server.move(there, scene.server.inbox)
        await scene.until_looked()
    scene.query("UPDATE graph_delta SET listed_at = now() - interval '1 hour' RETURNING 1")
    with scene.fetcher():
        await scene.until_looked()
        await until_blocking(lambda: scene.graph.asked(f"{there.folder.id}/messages") > 0, TIMES)
    assert len(await asyncio.to_thread(scene.fetched)) == 1
    assert scene.query("SELECT count(*) FROM incoming_mail") == [(1,)]


async def test_a_stop_of_fourteen_days(scene: Scene) -> None:
    """A person reads and moves half of the messages in this time, and the delta link expires."""
    await scene.configure()
    for number in range(10):
        scene.server.deliver(mail(number))
    with scene.fetcher():
        await until_blocking(lambda: finished(scene, "seen") == 10, TIMES)
        await scene.until_looked()
    mails = [scene.server.deliver(mail(number)) for number in range(10, 40)]
    for one in mails[::2]:
        scene.server.mark(one, is_read=True)
    for one in mails[::3]:
        scene.server.move(one, scene.server.well_known["archive"])
    left = [one for number, one in enumerate(mails) if number % 3]
    scene.graph.expire_delta_tokens(ADDRESS)
    with scene.fetcher():
        await scene.until_recorded(10 + len(left))
        await scene.until_looked()
    assert set(scene.recorded()) >= {one.immutable_id for one in left}
    records = await asyncio.to_thread(scene.fetched)
    assert len(records) == len({record.mail_id for record in records}) == 10 + len(left)


async def test_a_backfill_fetches_messages_from_before_only_after(scene: Scene) -> None:
    await scene.configure(only_after="2026-03-15")
    days = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 10, 20)]
    mails = [scene.server.deliver(mail(day.day), received_at=day) for day in days]
    with scene.fetcher():
        await scene.until_recorded(1)
        await scene.until_looked()
    assert scene.recorded() == [mails[2].immutable_id]
    pool = await open_pool(scene.settings.database)
    async with transaction(pool) as connection:
        since, now = date(2026, 3, 5), datetime.now(UTC)
        await request(connection, "support", since=since, author="ada", now=now)
    await pool.close()
    with scene.fetcher():
        await scene.until_recorded(2)
        await scene.until_looked()
    assert scene.recorded() == sorted(mail.immutable_id for mail in mails[1:])
    assert [mail.is_read for mail in mails] == [False, True, True]
    assert len(await asyncio.to_thread(scene.fetched)) == 2


async def test_messages_without_a_row_are_fetched_again(scene: Scene) -> None:
    await scene.configure(after_download="leave")
    for number in range(5):
        scene.server.deliver(mail(number))
    with scene.fetcher():
        await scene.until_recorded(5)
        await scene.until_looked()
    scene.query("DELETE FROM incoming_mail WHERE raw_offset = 2 RETURNING 1")
    scene.query("UPDATE reconciliation SET finished_at = now() - interval '2 days' RETURNING 1")
    with scene.fetcher():
        await scene.until_recorded(5)
        await scene.until_looked()
    records = await asyncio.to_thread(scene.fetched)
    assert len(records) == 6
    assert len({record.mail_id for record in records}) == 5
