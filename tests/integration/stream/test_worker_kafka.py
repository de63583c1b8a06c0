"""Tests the consumer loop on a real broker and database: members join, leave, hang and return."""

from __future__ import annotations

import asyncio
import gc
import shutil
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from postrail.clock import SystemClock
from postrail.database import migrate
from postrail.embedded.kafka import Kafka
from postrail.embedded.postgres import Postgres
from postrail.errors import TransientError
from postrail.observe.health import Health
from postrail.records import MailFetched, MailParsed, Record
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.received import Received
from postrail.stream.topics import (
    MAIL_FETCHED,
    MAIL_PARSED,
    OUTGOING_QUEUED,
    Topic,
    apply_topics,
)
from postrail.stream.worker import Worker
from tests.makers.records import mail_fetched, mail_parsed
from tests.makers.settings import environment_of, settings_of
from tests.processes.faulty.slow_parser import IN_FLIGHT
from tests.processes.pipeline import Inbox, Pipeline, letter

pytestmark = pytest.mark.timeout(150)

WAIT_SECONDS = 40.0
TAKEOVER_SECONDS = 3.0
# Enough for each partition to get some.
MAILBOXES = [f"box{number}" for number in range(16)]
QUICK = {
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
    "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
}


class Member:
    """A worker in this process that records its batches."""

    def __init__(self, kafka: KafkaSettings, producer: Producer) -> None:
        self.batches: list[list[Received[MailFetched]]] = []
        # Raised by the work while it is set.
        self.fault: TransientError | None = None
        self.worker = Worker(
            topic=MAIL_FETCHED,
            group="test",
            settings=kafka,
            process=self._process,
            producer=producer,
            health=Health(),
            clock=SystemClock(),
        )
        self.stop = asyncio.Event()
        self.tried: list[frozenset[int]] = []

    async def _process(self, batch: Sequence[Received[MailFetched]]) -> None:
        self.tried.append(frozenset(received.partition for received in batch))
        if self.fault:
            raise self.fault
        self.batches.append(list(batch))

    @property
    def ids(self) -> Counter[str]:
        """Counts how often each message was processed."""
        records = [got.record for batch in self.batches for got in batch]
        return Counter(record.mail_id for record in records)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the worker until the block ends."""
        task = asyncio.create_task(self.worker.run(self.stop))
        try:
            yield
        finally:
            self.stop.set()
            await task


@pytest.fixture
async def producer(environment: dict[str, str]) -> AsyncIterator[Producer]:
    kafka = settings_of(environment).kafka
    await asyncio.to_thread(apply_topics, kafka)
    producer = Producer(kafka)
    await producer.start()
    yield producer
    await producer.close()


@pytest.fixture
def kafka(environment: dict[str, str]) -> KafkaSettings:
    return settings_of({**environment, **QUICK}).kafka


async def send(producer: Producer, count: int) -> list[str]:
    """Sends messages to all partitions; returns their ids."""
    mails = [mail_fetched(mailbox=MAILBOXES[n % len(MAILBOXES)]) for n in range(count)]
    await producer.send([entry(MAIL_FETCHED, mail.mailbox, mail) for mail in mails])
    return [mail.mail_id for mail in mails]


def entry(topic: Topic[Record], key: str, record: Record) -> Entry:
    return Entry(topic, key, avro.encode(record))


async def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> float:
    """Waits for the condition; returns how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "the condition did not hold in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def share(*members: Member) -> list[int]:
    """Returns the number of partitions of each member."""
    return [len(member.worker.assigned_partitions) for member in members]


async def test_members_share_and_one_that_stops_is_followed_at_once(
    kafka: KafkaSettings, producer: Producer
) -> None:
    # Too long for the takeover, unless the member leaves the group by itself.
    patient = kafka.model_copy(update={"session_timeout_seconds": 30.0})
    first, second = Member(patient, producer), Member(patient, producer)
    async with first.running():
        await until(lambda: share(first) == [4])
        sent = await send(producer, 64)
        async with second.running():
            await until(lambda: share(first, second) == [2, 2])
            sent += await send(producer, 64)
            await until(lambda: len(first.ids + second.ids) == 128)
            assert second.batches
            second.stop.set()
            assert await until(lambda: share(first) == [4]) < TAKEOVER_SECONDS
        sent += await send(producer, 64)
        await until(lambda: len(first.ids + second.ids) == 192)
    assert set(first.ids + second.ids) == set(sent)


async def test_partitions_lost_in_the_middle_of_a_batch_leave_it(
    kafka: KafkaSettings, producer: Producer
) -> None:
    first, second = Member(kafka, producer), Member(kafka, producer)
    first.fault = TransientError("the database is unavailable")
    sent = await send(producer, 64)
    async with first.running():
        await until(lambda: bool(first.tried))
        async with second.running():
            await until(lambda: share(first, second) == [2, 2])
            held = first.worker.assigned_partitions
            await until(lambda: bool(first.tried) and first.tried[-1] <= held)
            first.fault = None
            await until(lambda: len(first.ids + second.ids) == 64)
    # One member processed each, and the first one none of those that it had lost.
    assert first.ids + second.ids == Counter(sent)
    assert {got.partition for batch in first.batches for got in batch} <= held


async def test_waits_for_a_broker_that_was_killed(own_folder: Path, own_broker: Kafka) -> None:
    environment = environment_of(
        own_folder, bootstrap_servers=own_broker.bootstrap_servers, database_url=""
    )
    kafka = settings_of(environment).kafka
    await asyncio.to_thread(apply_topics, kafka)
    producer = Producer(kafka)
    await producer.start()
    member = Member(kafka, producer)
    async with member.running():
        sent = await send(producer, 64)
        await until(lambda: len(member.ids) == 64)
        await asyncio.to_thread(own_broker.kill)
        under_way = asyncio.create_task(send(producer, 64))
        await asyncio.sleep(1)
        await asyncio.to_thread(own_broker.start)
        sent += await under_way
        await until(lambda: len(member.ids) == 128, 60)
        sent += await send(producer, 16)
        await until(lambda: len(member.ids) == 144, 60)
    await producer.close()
    assert set(member.ids) == set(sent)
    forget_failed_connections()


def forget_failed_connections() -> None:
    """Collects the sockets that kafka-python leaves open after a refused connection.

    Otherwise their warnings would make another test fail.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str]) -> Iterator[Pipeline]:
    with Pipeline(own_folder, {**environment, **QUICK}) as pipeline:
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        yield pipeline
        pipeline.show_logs()


def feed(
    pipeline: Pipeline, topic: Topic[Record], mails: Sequence[MailFetched | MailParsed]
) -> None:
    """Sends messages into a topic, as the stage before it would."""

    async def sending() -> None:
        producer = Producer(pipeline.settings.kafka)
        await producer.start()
        await producer.send([entry(topic, mail.mailbox, mail) for mail in mails])
        await producer.close()

    asyncio.run(sending())


def parsed(count: int) -> list[MailParsed]:
    return [mail_parsed(mailbox=MAILBOXES[n % len(MAILBOXES)]) for n in range(count)]


def require_handled_once(pipeline: Pipeline, count: int) -> None:
    """Returns whether `count` messages each have one issue and one queued notification."""
    assert pipeline.value("SELECT count(*) FROM incoming_mail WHERE state = 'done'") == count
    assert pipeline.value("SELECT count(DISTINCT mail_id) FROM issue") == count
    assert pipeline.value("SELECT count(*) FROM issue") == count
    assert pipeline.value("SELECT count(*) FROM comment") == 0


def handled(pipeline: Pipeline) -> int:
    """Counts the finished messages; returns -1 while the database is unavailable."""
    try:
        done: int = pipeline.value("SELECT count(*) FROM incoming_mail WHERE state = 'done'")
    except psycopg.OperationalError:
        return -1
    return done


def wait_for_members(pipeline: Pipeline) -> None:
    """Waits until both handlers are members of their group."""
    logs = pipeline.replicas["handler"]
    pipeline.wait_until(
        lambda: all("partitions assigned" in replica.log for replica in logs),
        WAIT_SECONDS,
        "two members",
    )


def test_a_process_leaves_its_group_at_sigterm_and_another_takes_over(
    own_folder: Path, environment: dict[str, str]
) -> None:
    with Pipeline(own_folder, environment) as pipeline:
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        pipeline.start(["handler"], replicas=2)
        wait_for_members(pipeline)
        feed(pipeline, MAIL_PARSED, parsed(64))
        pipeline.wait_until(lambda: handled(pipeline) == 64, WAIT_SECONDS, "the first mails")
        assert pipeline.replica("handler", 0).stop() == 0
        stopped = time.monotonic()
        feed(pipeline, MAIL_PARSED, parsed(64))
        pipeline.wait_until(lambda: handled(pipeline) == 128, WAIT_SECONDS, "the second mails")
        assert time.monotonic() - stopped < TAKEOVER_SECONDS
        require_handled_once(pipeline, 128)


def test_a_zombie_s_commit_is_refused_and_its_work_has_no_second_effect(
    pipeline: Pipeline,
) -> None:
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.slow_parser", "guarded"])
    pipeline.start(["handler"])
    zombie = pipeline.replica("parser")
    mails = [
        mail_fetched(
            mailbox=MAILBOXES[n % len(MAILBOXES)],
            body=letter(f"Mail {n}", message_id=f"<{n}@customer.test>"),
        )
        for n in range(40)
    ]
    feed(pipeline, MAIL_FETCHED, mails)
    pipeline.wait_until(lambda: IN_FLIGHT in zombie.log, WAIT_SECONDS, "a batch in flight")
    zombie.freeze()
    pipeline.start(["parser"], replicas=2)
    pipeline.wait_until(lambda: handled(pipeline) == 40, WAIT_SECONDS, "the other parser's work")
    made = pipeline.records(MAIL_PARSED)
    zombie.thaw()
    # Its commit is refused, unless it has lost its partitions before it commits.
    pipeline.wait_until(
        lambda: (
            "offsets not committed" in zombie.log or zombie.log.count("partitions assigned") > 1
        ),
        WAIT_SECONDS,
        "the refusal of its commit",
    )
    pipeline.wait_until(
        lambda: pipeline.records(MAIL_PARSED) > made, WAIT_SECONDS, "its work, done again"
    )
    feed(pipeline, MAIL_PARSED, parsed(1))
    pipeline.wait_until(lambda: handled(pipeline) == 41, WAIT_SECONDS, "a mail after those")
    require_handled_once(pipeline, 41)
    pipeline.wait_until(lambda: "outbox" not in pipeline.unfinished(), WAIT_SECONDS, "the outbox")
    assert pipeline.records(OUTGOING_QUEUED) == 41


def test_a_zombie_handler_takes_nothing_in_that_another_has(pipeline: Pipeline) -> None:
    pipeline.start(["handler"], replicas=2)
    zombie = pipeline.replica("handler", 0)
    wait_for_members(pipeline)
    feed(pipeline, MAIL_PARSED, parsed(300))
    zombie.freeze()
    feed(pipeline, MAIL_PARSED, parsed(100))
    # Rows that it has locked must wait for it; the other handler has the rest by then.
    pipeline.wait_until(
        lambda: pipeline.value("SELECT count(*) FROM incoming_mail") == 400,
        WAIT_SECONDS,
        "the other handler's intake",
    )
    zombie.thaw()
    pipeline.wait_until(lambda: handled(pipeline) == 400, WAIT_SECONDS, "all mails")
    feed(pipeline, MAIL_PARSED, parsed(100))
    pipeline.wait_until(lambda: handled(pipeline) == 500, WAIT_SECONDS, "the mails after those")
    require_handled_once(pipeline, 500)


def test_a_restored_database_gets_the_missing_messages_again(
    own_folder: Path, broker: str, own_postgres: Postgres
) -> None:
    asyncio.run(migrate(own_postgres.url))
    environment = environment_of(
        own_folder, bootstrap_servers=broker, database_url=own_postgres.url
    )
    copy, data = own_folder / "copy", own_postgres.folder / "data"
    with Pipeline(own_folder, environment) as pipeline:
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        pipeline.start(["handler"])
        feed(pipeline, MAIL_PARSED, parsed(50))
        pipeline.wait_until(lambda: handled(pipeline) == 50, WAIT_SECONDS, "the first mails")
        own_postgres.stop()
        shutil.copytree(data, copy)
        own_postgres.start()
        feed(pipeline, MAIL_PARSED, parsed(50))
        pipeline.wait_until(lambda: handled(pipeline) == 100, WAIT_SECONDS, "the second mails")
        own_postgres.stop()
        shutil.rmtree(data)
        shutil.copytree(copy, data)
        own_postgres.start()
        pipeline.wait_until(lambda: handled(pipeline) == 100, 60, "the missing mails again")
        require_handled_once(pipeline, 100)
        assert pipeline.replica("handler").stop() == 0
        assert pipeline.replica("handler").log.count('"started"') == 1
