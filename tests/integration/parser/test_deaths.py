"""Messages that kill the parser, with a real Kafka: identified by three deaths, others are parsed.

Stops, kills, rebalances and outages must not count as deaths, or not blame a single message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from postrail.blobs import BlobStore
from postrail.clock import SystemClock
from postrail.observe.health import Health
from postrail.records import MailFetched, MailParsed
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream import worker as worker_module
from postrail.stream.connection import client_options
from postrail.stream.deaths.suspicion import Note, read_note
from postrail.stream.offsets.metadata import read_metadata
from postrail.stream.producer import Entry, Producer
from postrail.stream.reader import tail
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, apply_topics, topic_name
from postrail.stream.worker import Worker
from tests.makers.parsing import fetched
from tests.makers.records import mail_fetched
from tests.makers.settings import PARTITIONS, settings_of
from tests.processes.faulty.deadly_parser import FIELD, MIB
from tests.processes.faulty.slow_parser import EACH, IN_FLIGHT
from tests.processes.pipeline import Inbox, Pipeline, Replica, letter

pytestmark = pytest.mark.timeout(150)

WAIT_SECONDS = 60.0
# Enough mailboxes that each partition has some.
MAILBOXES = [f"box{number}" for number in range(8)]
DIED = "a process died with records in flight"
SESSION = {
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
    "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
}
REASON = "the parser died 3 times while processing this mail"


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str]) -> Iterator[Pipeline]:
    with Pipeline(own_folder, {**environment, **SESSION}) as pipeline:
        # Otherwise each thread reserves 64 MiB of the address space, which is limited here.
        pipeline.environment["MALLOC_ARENA_MAX"] = "1"
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        yield pipeline
        pipeline.show_logs()


def mail(number: int, field: str = "") -> MailFetched:
    """Returns a good message, or one with a field that names how the parser dies."""
    body = field.encode() + letter(f"Mail {number}", message_id=f"<{number}@customer.test>")
    mailbox = MAILBOXES[number % len(MAILBOXES)]
    return fetched(body, mail_id=str(uuid4()), mailbox=mailbox)


def feed(pipeline: Pipeline, mails: Sequence[MailFetched]) -> None:
    """Sends fetched messages, as the fetcher would."""

    async def sending() -> None:
        producer = Producer(pipeline.settings.kafka)
        await producer.start()
        await producer.send([Entry(MAIL_FETCHED, one.mailbox, avro.encode(one)) for one in mails])
        await producer.close()

    asyncio.run(sending())


def parsed(pipeline: Pipeline) -> list[MailParsed]:
    """Returns all parsed records, partition by partition."""
    return asyncio.run(tail(pipeline.settings.kafka, MAIL_PARSED, 1000))


def restart_until(parser: Replica, condition: Callable[[], bool]) -> list[int | None]:
    """Restarts the parser each time that it ends; returns its exit codes."""
    codes: list[int | None] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"exit codes {codes}: {parser.log_end}"
        if not parser.running:
            codes.append(parser.exit_code)
            parser.start()
        time.sleep(0.05)
    return codes


def require_each_in_order(records: Sequence[MailParsed], mails: Sequence[MailFetched]) -> None:
    """Requires each message in its mailbox's order; repeated records count at their first place."""
    first = list({record.mail_id: record for record in records}.values())
    for mailbox in MAILBOXES:
        expected = [one.mail_id for one in mails if one.mailbox == mailbox]
        assert [record.mail_id for record in first if record.mailbox == mailbox] == expected


@pytest.mark.parametrize(
    ("how", "limit", "code"),
    [
        # It ends as by a kill, without closing anything.
        ("exit", [], 1),
        # It crashes in C.
        ("segfault", [], -11),
        # The kernel refuses memory, and Python raises MemoryError.
        ("memory", ["256"], 1),
    ],
)
def test_a_mail_that_kills_is_passed_on_after_three_deaths_and_its_neighbours_are_parsed_once(
    pipeline: Pipeline, how: str, limit: list[str], code: int
) -> None:
    field = f"{FIELD.decode()}{how}\r\n"
    mails = [mail(number, field if number == 24 else "") for number in range(64)]
    bad = mails[24]
    feed(pipeline, mails)
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.deadly_parser", *limit])
    pipeline.start(["handler"])
    parser = pipeline.replica("parser")
    codes = restart_until(parser, lambda: pipeline.records(MAIL_PARSED) >= len(mails))
    assert codes == [code] * 3
    assert parser.stop() == 0
    records = parsed(pipeline)
    assert len(records) == len(mails)
    require_each_in_order(records, mails)
    failed = [record for record in records if record.error]
    assert [(one.mail_id, one.error, one.raw) for one in failed] == [
        (bad.mail_id, REASON, bad.body)
    ]
    pipeline.wait_until(
        lambda: (
            pipeline.rows("SELECT state, count(*) FROM incoming_mail GROUP BY 1 ORDER BY 1")
            == [("done", 63), ("failed", 1)]
        ),
        WAIT_SECONDS,
        "the outcomes of the messages",
    )
    reason = pipeline.value("SELECT reason FROM incoming_mail WHERE state = 'failed'")
    assert reason == f"the message could not be parsed: {REASON}"


def test_a_mail_too_large_for_the_memory_that_there_is_delays_its_neighbours_only(
    pipeline: Pipeline,
) -> None:
    """Uses a real message; only the memory limit is artificial."""
    blobs = BlobStore(pipeline.settings.blobs.url)
    raw = b"Subject: large\r\nContent-Type: text/html\r\n\r\n" + b"<p>text</p>\r\n" * (8 * MIB)
    reference = asyncio.run(blobs.put(raw))
    mails = [mail(number) for number in range(32)]
    large = fetched(None, blob=reference, mail_id=str(uuid4()), mailbox=mails[12].mailbox)
    mails.insert(13, large)
    feed(pipeline, mails)
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.deadly_parser", "64"])
    parser = pipeline.replica("parser")
    ids = {one.mail_id for one in mails}
    codes = restart_until(
        parser,
        lambda: (
            pipeline.records(MAIL_PARSED) >= len(mails)
            and {record.mail_id for record in parsed(pipeline)} == ids
        ),
    )
    assert len(codes) == 3
    assert 0 not in codes
    records = parsed(pipeline)
    require_each_in_order(records, mails)
    failed = [record for record in records if record.error]
    assert [(one.mail_id, one.error, one.raw_blob) for one in failed] == [
        (large.mail_id, REASON, reference)
    ]


def test_three_kills_with_a_batch_in_flight_blame_none_of_its_mails(pipeline: Pipeline) -> None:
    mails = [mail(8 * number) for number in range(5)]
    feed(pipeline, mails)
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.slow_parser", "guarded", EACH])
    parser = pipeline.replica("parser")
    # The whole batch, then the second record alone, then the third: those before were parsed.
    for in_flight in (1, 3, 5):
        expected = in_flight
        pipeline.wait_until(
            lambda: parser.log.count(IN_FLIGHT) >= expected,  # noqa: B023
            WAIT_SECONDS,
            f"{in_flight} batches in flight",
        )
        parser.kill()
        parser.start()
    pipeline.wait_until(
        lambda: pipeline.records(MAIL_PARSED) == len(mails), WAIT_SECONDS, "all mails"
    )
    assert parser.log.count(DIED) == 3
    records = parsed(pipeline)
    assert [record.error for record in records] == [None] * len(mails)
    require_each_in_order(records, mails)


def test_stops_in_an_outage_with_a_mail_in_flight_are_not_deaths(pipeline: Pipeline) -> None:
    raw = letter("kept elsewhere", message_id="<1@customer.test>")
    elsewhere = BlobStore((pipeline.folder / "elsewhere").as_uri())
    reference = asyncio.run(elsewhere.put(raw))
    one = fetched(None, blob=reference, mail_id=str(uuid4()), mailbox=MAILBOXES[0])
    feed(pipeline, [one])
    pipeline.start_as("parser", ["-m", "services.parser"])
    parser = pipeline.replica("parser")
    for pauses in (1, 2, 3):
        expected = pauses
        pipeline.wait_until(
            lambda: (
                parser.log.count("partitions assigned") >= expected  # noqa: B023
                and parser.log.rpartition("partitions assigned")[2].count("paused") > 0
            ),
            WAIT_SECONDS,
            "the outage",
        )
        assert parser.stop() == 0
        parser.start()
    asyncio.run(BlobStore(pipeline.settings.blobs.url).put(raw))
    pipeline.wait_until(lambda: pipeline.records(MAIL_PARSED) == 1, WAIT_SECONDS, "the mail")
    (record,) = parsed(pipeline)
    assert (record.error, record.subject) == (None, "kept elsewhere")
    assert DIED not in parser.log


class Member:
    """A guarded worker in this process that keeps its records in flight until `go_on` is set."""

    def __init__(self, kafka: KafkaSettings, producer: Producer) -> None:
        self.given: list[Received[MailFetched]] = []
        self.go_on = asyncio.Event()
        self.stop = asyncio.Event()
        self.worker = Worker(
            topic=MAIL_FETCHED,
            group="parser",
            settings=kafka,
            process=self._process,
            producer=producer,
            health=Health(),
            clock=SystemClock(),
            guarded=True,
        )

    async def _process(self, batch: Sequence[Received[MailFetched]]) -> None:
        self.given += batch
        await self.go_on.wait()

    @property
    def share(self) -> int:
        return len(self.worker.assigned_partitions)


async def notes(settings: KafkaSettings) -> list[Note]:
    """Returns the group's note on each partition."""
    return await asyncio.to_thread(_notes, settings)


def _notes(settings: KafkaSettings) -> list[Note]:
    consumer = KafkaConsumer(
        **client_options(settings), group_id=f"{settings.prefix}postrail.parser"
    )
    try:
        places = [TopicPartition(topic_name(MAIL_FETCHED, settings), n) for n in range(PARTITIONS)]
        found = [consumer.committed(place, metadata=True) for place in places]
    finally:
        consumer.close(autocommit=False)
    texts = [one.metadata or "" if one else "" for one in found]
    return [read_note(read_metadata(0, text)[1]) for text in texts]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_partitions_that_move_with_records_in_flight_are_not_deaths(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "STAY_SECONDS", 0.1)
    kafka = settings_of({**environment, **SESSION}).kafka
    await asyncio.to_thread(apply_topics, kafka)
    producer = Producer(kafka)
    await producer.start()
    mails = [mail_fetched(mailbox=f"box{number}") for number in range(16)]
    await producer.send([Entry(MAIL_FETCHED, one.mailbox, avro.encode(one)) for one in mails])
    first = Member(kafka, producer)
    working = asyncio.create_task(first.worker.run(first.stop))
    await until(lambda: bool(first.given))
    in_flight = {one.partition for one in first.given}
    for _ in range(3):
        other = Member(kafka, producer)
        other.go_on.set()
        visiting = asyncio.create_task(other.worker.run(other.stop))
        await until(lambda: first.share == other.share == 2)  # noqa: B023
        # The records of the first member's remaining partitions are in flight again.
        await wait_for_notes(kafka, in_flight & first.worker.assigned_partitions)
        other.stop.set()
        await visiting
        await until(lambda: first.share == PARTITIONS)
        assert {one.deaths for one in other.given} <= {0}
    first.go_on.set()
    first.stop.set()
    await working
    await producer.close()
    assert {one.deaths for one in first.given} == {0}
    assert set(await notes(kafka)) == {Note()}


async def wait_for_notes(kafka: KafkaSettings, partitions: frozenset[int] | set[int]) -> None:
    """Waits until exactly these partitions are noted as in flight."""
    held: set[int] | None = None
    async with asyncio.timeout(WAIT_SECONDS):
        while held != partitions:
            held = {number for number, note in enumerate(await notes(kafka)) if note.holder}
