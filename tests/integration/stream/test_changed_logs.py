"""Tests the consumer loop on topics that were made anew, lost their end or other records."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kafka import (
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.admin import OffsetSpec

from postrail.clock import SystemClock
from postrail.database import Pool, migrate, open_pool, rows, transaction
from postrail.embedded.kafka import Kafka
from postrail.observe.health import Health
from postrail.records import MailFetched
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.connection import client_options
from postrail.stream.consumer import KafkaReader
from postrail.stream.intake import IntakeOffsets
from postrail.stream.offsets.placement import MADE_ANEW, REPLACED, TRUNCATED
from postrail.stream.producer import Producer
from postrail.stream.received import Received, next_offsets
from postrail.stream.topics import MAIL_FETCHED, apply_topics, topic_name
from postrail.stream.worker import Worker
from tests.makers.records import mail_fetched
from tests.makers.settings import environment_of, settings_of
from tests.makers.topics import feed, make_anew

pytestmark = pytest.mark.timeout(120)

WAIT_SECONDS = 30.0
GROUP = "test"


class Stage:
    """A stage of this process that keeps the ids of the messages that it took.

    With a pool, its positions are in PostgreSQL; without one, in the group's committed offsets.
    """

    def __init__(self, kafka: KafkaSettings, pool: Pool | None) -> None:
        self.kafka = kafka
        self.taken: list[str] = []
        self._pool = pool

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs one process of the stage until the block ends."""
        stop, producer = asyncio.Event(), Producer(self.kafka)
        await producer.start()
        offsets = IntakeOffsets(GROUP, MAIL_FETCHED.name, self._pool) if self._pool else None

        async def process(batch: Sequence[Received[MailFetched]]) -> None:
            if self._pool and offsets:
                async with transaction(self._pool) as connection:
                    await offsets.advance(connection, batch)
                offsets.expect(next_offsets(batch))
            self.taken += [received.record.mail_id for received in batch]

        worker = Worker(
            topic=MAIL_FETCHED,
            group=GROUP,
            settings=self.kafka,
            process=process,
            producer=producer,
            health=Health(),
            clock=SystemClock(),
            positions=offsets,
            guarded=offsets is None,
        )
        task = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task
            await producer.close()

    async def feed(self, count: int) -> list[str]:
        """Sends messages of one mailbox, so to one partition; returns their ids."""
        mails = [mail_fetched(mailbox="support") for _ in range(count)]
        await feed(self.kafka, MAIL_FETCHED, mails)
        return [mail.mail_id for mail in mails]

    async def until_taken(self, mail_ids: Sequence[str]) -> None:
        await until(lambda: set(mail_ids) <= set(self.taken))

    async def until_committed(self, next_offset: int) -> None:
        """Waits until the group has committed this offset for a partition."""
        async with asyncio.timeout(WAIT_SECONDS):
            while next_offset not in (await asyncio.to_thread(self._committed)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def _committed(self) -> list[int]:
        client = KafkaAdminClient(**client_options(self.kafka))
        try:
            group = f"{self.kafka.prefix}postrail.{GROUP}"
            return sorted(at.offset for at in client.list_group_offsets(group)[group].values())
        finally:
            client.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110  The condition is more than one event.
            await asyncio.sleep(0.05)


@pytest.fixture
async def pool(environment: dict[str, str]) -> AsyncIterator[Pool]:
    pool = await open_pool(settings_of(environment).database)
    yield pool
    await pool.close()


@pytest.fixture(params=["table", "group"])
async def stage(request: pytest.FixtureRequest, environment: dict[str, str], pool: Pool) -> Stage:
    kafka = settings_of(environment).kafka
    await asyncio.to_thread(apply_topics, kafka)
    return Stage(kafka, pool if request.param == "table" else None)


@pytest.mark.parametrize("count", [10, 90], ids=["shorter", "past the stored offset"])
@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("table", marks=pytest.mark.logs_errors(MADE_ANEW)),
        # Kafka has removed the group's offsets together with the topic: nothing differs.
        "group",
    ],
    indirect=True,
)
async def test_a_topic_that_was_made_anew_is_read_from_its_start(stage: Stage, count: int) -> None:
    before = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(before)
    await asyncio.to_thread(make_anew, stage.kafka, [MAIL_FETCHED])
    after = await stage.feed(count)
    async with stage.running():
        await stage.until_taken(after)
    assert stage.taken == before + after


@pytest.mark.logs_errors(MADE_ANEW)
@pytest.mark.parametrize("count", [10, 90], ids=["shorter", "past the stored offset"])
async def test_a_topic_that_is_made_anew_under_a_running_stage_is_read_from_its_start(
    stage: Stage, count: int
) -> None:
    before = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(before)
        await asyncio.to_thread(make_anew, stage.kafka, [MAIL_FETCHED])
        after = await stage.feed(count)
        await stage.until_taken(after)
    assert stage.taken == before + after


@pytest.mark.logs_errors(MADE_ANEW)
async def test_an_empty_topic_that_was_made_anew_is_noticed_at_once(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    before = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(before)
        await asyncio.to_thread(make_anew, stage.kafka, [MAIL_FETCHED])
        await until(lambda: MADE_ANEW in "".join(capfd.readouterr()))
    # The next process finds nothing wrong any more, wherever this one was killed after that.
    after = await stage.feed(40)
    async with stage.running():
        await stage.until_taken(after)
    assert stage.taken == before + after


async def test_a_member_without_partitions_joins_again_when_its_topic_is_back(
    environment: dict[str, str],
) -> None:
    """As after a rebalance while the topic was gone."""
    kafka = settings_of(environment).kafka
    await asyncio.to_thread(apply_topics, kafka)
    reader = KafkaReader(MAIL_FETCHED, GROUP, kafka)
    await reader.open()

    async def assigned() -> frozenset[int]:
        async with asyncio.timeout(WAIT_SECONDS):
            while not reader.assigned:
                await reader.poll()
        return reader.assigned

    await assigned()
    await reader.topic_id()
    # The library believes that the group is assigned.
    reader._assigned = reader._fresh = frozenset()
    await asyncio.to_thread(make_anew, kafka, [MAIL_FETCHED])
    await reader.topic_id()
    assert await assigned() == reader.take_fresh() == frozenset(range(kafka.partitions))
    await reader.close()


async def test_a_restart_without_a_change_repeats_nothing(stage: Stage) -> None:
    sent: list[str] = []
    for count in (10, 20, 30):
        sent += await stage.feed(10)
        async with stage.running():
            await stage.until_taken(sent)
            await stage.until_committed(count)
    assert stage.taken == sent


async def test_offsets_of_an_earlier_release_are_read_on_and_adopt_the_topic(
    stage: Stage, pool: Pool
) -> None:
    sent = await stage.feed(30)
    await store_as_before(stage, pool, next_offset=20)
    async with stage.running():
        await stage.until_taken(sent[20:])
        await stage.until_committed(30)
    assert stage.taken == sent[20:]


@pytest.mark.logs_errors(TRUNCATED)
async def test_offsets_of_an_earlier_release_past_the_end_are_those_of_another_topic(
    stage: Stage, pool: Pool
) -> None:
    sent = await stage.feed(30)
    await store_as_before(stage, pool, next_offset=60)
    async with stage.running():
        await stage.until_taken(sent)
    assert stage.taken == sent


async def store_as_before(stage: Stage, pool: Pool, next_offset: int) -> None:
    """Stores the offset of the messages' partition as the release before did: without an id."""
    name = topic_name(MAIL_FETCHED, stage.kafka)
    partition = await asyncio.to_thread(_partition_with_records, stage.kafka, name)
    if stage._pool is None:
        await asyncio.to_thread(_commit_plain, stage.kafka, name, partition, next_offset)
        return
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO intake_offset (consumer_group, topic, partition, next_offset)"
            " VALUES (%s, %s, %s, %s)",
            (GROUP, MAIL_FETCHED.name, partition, next_offset),
        )


def _partition_with_records(kafka: KafkaSettings, name: str) -> int:
    client = KafkaAdminClient(**client_options(kafka))
    try:
        places = {TopicPartition(name, n): OffsetSpec.LATEST for n in range(kafka.partitions)}
        found = client.list_partition_offsets(places)
        numbers = {at.offset: place.partition for place, at in found.items()}
        return int(numbers[max(numbers)])
    finally:
        client.close()


def _commit_plain(kafka: KafkaSettings, name: str, partition: int, next_offset: int) -> None:
    consumer = KafkaConsumer(
        **client_options(kafka),
        group_id=f"{kafka.prefix}postrail.{GROUP}",
        enable_auto_commit=False,
    )
    place = TopicPartition(name, partition)
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(next_offset, "", -1)})
    consumer.close(autocommit=False)


# The notes of committed offsets are replaced as a whole.
@pytest.mark.parametrize("stage", ["table"], indirect=True)
async def test_a_rollout_whose_old_processes_move_the_offset_alone_is_no_change(
    stage: Stage, pool: Pool
) -> None:
    sent = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(sent)
    sent += await stage.feed(30)
    async with transaction(pool) as connection:
        await connection.execute("UPDATE intake_offset SET next_offset = 40 WHERE next_offset = 30")
    async with stage.running():
        await stage.until_taken(sent[40:])
    assert stage.taken == sent[:30] + sent[40:]


async def test_a_group_without_offsets_reads_what_the_topic_has(
    environment: dict[str, str],
) -> None:
    stage = Stage(settings_of(environment).kafka, None)
    await asyncio.to_thread(apply_topics, stage.kafka)
    sent = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(sent)
    client = KafkaAdminClient(**client_options(stage.kafka))
    await asyncio.to_thread(client.delete_groups, [f"{stage.kafka.prefix}postrail.{GROUP}"])
    client.close()
    sent += await stage.feed(10)
    async with stage.running():
        await stage.until_taken(sent)
        await until(lambda: len(stage.taken) == 70)
    assert set(stage.taken) == set(sent)


async def test_gaps_of_the_log_itself_are_passed(stage: Stage) -> None:
    """Each transaction leaves a mark, which takes an offset and is no record."""
    mails = [mail_fetched(mailbox="support") for _ in range(6)]
    await asyncio.to_thread(_send_in_transactions, stage.kafka, mails)
    one_at_a_time = stage.kafka.model_copy(update={"batch_max_records": 1})
    stage.kafka = one_at_a_time
    for _ in range(2):
        async with stage.running():
            await stage.until_taken([mail.mail_id for mail in mails])
    assert stage.taken == [mail.mail_id for mail in mails]


def _send_in_transactions(kafka: KafkaSettings, mails: Sequence[MailFetched]) -> None:
    producer = KafkaProducer(
        **client_options(kafka), acks="all", transactional_id=f"{kafka.prefix}test"
    )
    producer.init_transactions()
    for mail in mails:
        producer.begin_transaction()
        producer.send(topic_name(MAIL_FETCHED, kafka), value=avro.encode(mail), partition=0)
        producer.commit_transaction()
    producer.close()


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(10, marks=pytest.mark.logs_errors(TRUNCATED), id="shorter"),
        # Found by the record before the stored offset only: id, epoch and ends fit.
        pytest.param(60, marks=pytest.mark.logs_errors(REPLACED), id="grown again"),
    ],
)
async def test_a_partition_that_lost_its_end_skips_nothing_that_was_written_after_it(
    own_folder: Path, own_broker: Kafka, empty_database_url: str, count: int
) -> None:
    await migrate(empty_database_url)
    environment = environment_of(
        own_folder,
        bootstrap_servers=own_broker.bootstrap_servers,
        database_url=empty_database_url,
    )
    settings = settings_of(environment)
    await asyncio.to_thread(apply_topics, settings.kafka)
    pool = await open_pool(settings.database)
    stage = Stage(settings.kafka, pool)
    kept = await stage.feed(20)
    await asyncio.to_thread(_copy, own_broker, "kept")
    lost = await stage.feed(30)
    async with stage.running():
        await stage.until_taken(kept + lost)
    await asyncio.to_thread(_restore, own_broker, "kept")
    after = await stage.feed(count)
    async with stage.running():
        await stage.until_taken(after)
    async with transaction(pool) as connection:
        assert len(await rows(connection, "SELECT 1 FROM kafka_topic")) == 1
    await pool.close()


def _copy(broker: Kafka, name: str) -> None:
    broker.stop()
    shutil.copytree(broker.folder / "log", broker.folder / name)
    broker.start()


def _restore(broker: Kafka, name: str) -> None:
    broker.stop()
    shutil.rmtree(broker.folder / "log")
    shutil.copytree(broker.folder / name, broker.folder / "log")
    broker.start()
