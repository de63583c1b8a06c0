"""Tests that messages whose records Kafka has lost are asked for again, and only those.

The parser, the handler and the sender are real processes; the test publishes as a fetcher does.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.database import migrate, one_connection, open_pool
from postrail.embedded.kafka import Kafka
from postrail.errors import TransientError
from postrail.incoming import lost
from postrail.incoming.fetched import FetchedRow, record_fetched
from postrail.records import MailFetched, Record
from postrail.stream.offsets.placement import MADE_ANEW
from postrail.stream.topics import (
    MAIL_FETCHED,
    MAIL_PARSED,
    TOPICS,
    Topic,
    apply_topics,
)
from services.fetcher.losses import Losses
from tests.makers.records import mail_fetched
from tests.makers.settings import environment_of
from tests.makers.topics import feed, make_anew
from tests.processes.pipeline import Inbox, Pipeline, letter

pytestmark = pytest.mark.timeout(180)

WAIT_SECONDS = 60.0
# As many as a message may be passed: each loss counts once, not once a fetcher.
FETCHERS = lost.PASSED_MAX
LOST = "records of messages are lost: asking for the messages again"
MAILBOXES = [f"box{number}" for number in range(8)]
STAGES = ("parser", "handler", "sender")
QUICK = {
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
    "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
}


class Scene:
    """A pipeline without a fetcher: the test publishes messages, and looks for lost ones."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.kafka = pipeline.settings.kafka
        self.sent: dict[str, MailFetched] = {}
        self.asked_again: list[str] = []

    def publish(self, count: int) -> list[str]:
        """Publishes new messages and records them, as the fetcher does; returns their ids."""
        first = len(self.sent)
        mails = [
            mail_fetched(
                mailbox=MAILBOXES[n % len(MAILBOXES)],
                fetched_at=SystemClock().now(),
                body=letter(f"Mail {n}", message_id=f"<{n}@customer.test>"),
            )
            for n in range(first, first + count)
        ]
        self._publish(mails)
        return [mail.mail_id for mail in mails]

    def _publish(self, mails: Sequence[MailFetched]) -> None:
        asyncio.run(self._send(mails))
        self.sent.update({mail.mail_id: mail for mail in mails})

    async def _send(self, mails: Sequence[MailFetched]) -> None:
        places = await feed(self.kafka, MAIL_FETCHED, mails)
        rows = [
            FetchedRow(
                mail_id=mail.mail_id,
                mailbox=mail.mailbox,
                source=mail.source,
                size=mail.size,
                received_at=mail.received_at,
                fetched_at=mail.fetched_at,
                raw_partition=place.partition,
                raw_offset=place.offset,
                blob=None,
            )
            for mail, place in zip(mails, places, strict=True)
        ]
        async with one_connection(self.pipeline.settings.database) as connection:
            await record_fetched(connection, rows)
            for row in rows:
                await connection.execute(
                    "UPDATE incoming_mail SET raw_partition = %s, raw_offset = %s,"
                    " refetched_at = now() WHERE mail_id = %s AND EXISTS"
                    " (SELECT 1 FROM refetch WHERE refetch.mail_id = incoming_mail.mail_id)",
                    (row.raw_partition, row.raw_offset, row.mail_id),
                )
            await connection.execute("DELETE FROM refetch")

    def states(self) -> dict[str, int]:
        return dict(self.pipeline.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state"))

    def topics_seen(self) -> int:
        """Counts the ids that the topics of incoming messages have had, as far as they are seen."""
        count: int = self.pipeline.value(
            "SELECT count(*) FROM kafka_topic WHERE topic IN ('mail.fetched', 'mail.parsed')"
        )
        return count

    def requested(self) -> set[str]:
        return {mail_id for (mail_id,) in self.pipeline.rows("SELECT mail_id::text FROM refetch")}

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        self.pipeline.wait_until(condition, WAIT_SECONDS, what)

    def wait_for_done(self, count: int) -> None:
        self.wait_until(lambda: self.states() == {"done": count}, f"{count} handled messages")

    def look_until(self, condition: Callable[[], object], what: str) -> None:
        """Looks for lost records until the condition holds."""
        losses = Looking(self.pipeline)

        def holds() -> bool:
            losses.round()
            return bool(condition())

        try:
            self.wait_until(holds, what)
        finally:
            losses.close()

    def serve(self) -> None:
        """Publishes the messages again that are asked for, as the fetcher does."""
        requested = sorted(self.requested())
        self.asked_again += requested
        if requested:
            self._publish([self.sent[mail_id] for mail_id in requested])

    def serve_until_done(self, count: int) -> None:
        """Looks for lost records, and publishes them again, until all messages are handled."""

        def done() -> bool:
            self.serve()
            return self.states() == {"done": count}

        self.look_until(done, f"{count} handled messages")

    def restart_ended(self) -> None:
        """Starts those processes again that have ended, as a supervisor does."""
        for group in self.pipeline.replicas.values():
            for replica in group:
                if not replica.running:
                    replica.start()

    def require_one_effect_each(self) -> None:
        value, count = self.pipeline.value, len(self.sent)
        assert value("SELECT count(*) FROM incoming_mail") == count
        assert value("SELECT count(*) FROM issue") == count
        assert value("SELECT count(DISTINCT mail_id) FROM issue") == count
        assert value("SELECT count(*) FROM comment") == 0


class Looking:
    """Several fetchers that look for lost records, in an event loop of their own."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._runner = asyncio.Runner()
        self._pool = self._runner.run(open_pool(pipeline.settings.database))
        kafka = pipeline.settings.kafka
        self._losses = [Losses(self._pool, kafka, SystemClock(), 1) for _ in range(FETCHERS)]

    def round(self) -> None:
        self._runner.run(self._round())

    async def _round(self) -> None:
        rounds = [losses.round() for losses in self._losses]
        for error in await asyncio.gather(*rounds, return_exceptions=True):
            assert error is None or isinstance(error, TransientError), error

    def close(self) -> None:
        self._runner.run(self._pool.close())
        self._runner.close()


@pytest.fixture
def scene(own_folder: Path, environment: dict[str, str]) -> Iterator[Scene]:
    with Pipeline(own_folder, {**environment, **QUICK}) as pipeline:
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        yield Scene(pipeline)
        pipeline.show_logs()


def lay_out(scene: Scene) -> tuple[list[str], list[str], list[str]]:
    """Leaves messages that are handled, parsed only, and fetched only; all processes are stopped.

    Returns their ids.
    """
    scene.pipeline.start(STAGES)
    handled = scene.publish(16)
    scene.wait_for_done(16)
    scene.look_until(lambda: scene.topics_seen() == 2, "the topics are seen")
    assert scene.pipeline.replica("handler").stop() == 0
    parsed = scene.publish(16)
    scene.wait_until(lambda: scene.pipeline.records(MAIL_PARSED) == 32, "the parsed messages")
    assert scene.pipeline.replica("parser").stop() == 0
    fetched = scene.publish(16)
    return handled, parsed, fetched


@pytest.mark.logs_errors(LOST, MADE_ANEW)
@pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])
@pytest.mark.parametrize(
    ("topics", "lost_stages"),
    [
        (TOPICS, {"parsed", "fetched"}),
        ((MAIL_FETCHED,), {"fetched"}),
        ((MAIL_PARSED,), {"parsed"}),
    ],
    ids=["all", "mail.fetched", "mail.parsed"],
)
def test_what_a_topic_held_that_was_made_anew_is_asked_for_again(
    scene: Scene, topics: Sequence[Topic[Record]], lost_stages: Collection[str], killed: bool
) -> None:
    _, parsed, fetched = lay_out(scene)
    make_anew(scene.kafka, topics)
    anew = {MAIL_FETCHED, MAIL_PARSED} & set(topics)
    scene.look_until(lambda: scene.topics_seen() == 2 + len(anew), "the topics are seen again")
    for service in ("parser", "handler"):
        scene.pipeline.replica(service).start()
    if killed:
        for service in ("parser", "handler"):
            replica = scene.pipeline.replica(service)
            scene.wait_until(
                lambda: replica.log.count("partitions assigned") > 1,  # noqa: B023
                f"{service} is placed",
            )
            replica.kill()
            replica.start()
    expected = {"parsed": set(parsed), "fetched": set(fetched)}
    wanted = set().union(*(expected[stage] for stage in lost_stages))
    scene.look_until(lambda: scene.requested() == wanted, "the requests")
    # Nothing more is asked for, and the rest is handled.
    scene.look_until(
        lambda: scene.states() == {"done": 48 - len(wanted), "fetched": len(wanted)}, ""
    )
    assert scene.requested() == wanted
    scene.serve_until_done(48)
    scene.require_one_effect_each()
    assert set(scene.asked_again) == wanted
    assert len(scene.asked_again) == len(wanted)


@pytest.mark.logs_errors(LOST, MADE_ANEW)
def test_topics_made_anew_under_running_services_lose_nothing(scene: Scene) -> None:
    scene.pipeline.start(STAGES)
    scene.publish(16)
    scene.wait_for_done(16)
    scene.look_until(lambda: scene.topics_seen() == 2, "the topics are seen")
    # In flight while the topics are made anew; and then more than the offsets that were stored.
    scene.pipeline.replica("parser").freeze()
    scene.publish(200)
    make_anew(scene.kafka, TOPICS)
    scene.publish(90)
    scene.pipeline.replica("parser").thaw()

    def done() -> bool:
        scene.restart_ended()
        scene.serve()
        return scene.states() == {"done": 306}

    scene.look_until(done, "all messages")
    scene.require_one_effect_each()


def test_messages_that_only_wait_are_not_asked_for(scene: Scene) -> None:
    scene.pipeline.start(["parser"])
    scene.publish(16)
    scene.wait_until(lambda: scene.pipeline.records(MAIL_PARSED) == 16, "the parsed messages")
    looking = Looking(scene.pipeline)
    for _ in range(5):
        looking.round()
    # However old they are.
    scene.pipeline.rows("UPDATE incoming_mail SET fetched_at = '2020-01-01' RETURNING 1")
    for _ in range(5):
        looking.round()
    assert scene.requested() == set()
    scene.pipeline.start(["handler"])
    scene.wait_for_done(16)
    looking.round()
    looking.close()
    assert scene.requested() == set()


@pytest.mark.logs_errors(LOST)
def test_messages_lost_before_the_upgrade_are_found_without_a_known_topic(scene: Scene) -> None:
    """Nothing says which topics there were: only the offsets prove the loss."""
    scene.publish(16)
    make_anew(scene.kafka, [MAIL_FETCHED])
    scene.pipeline.start(STAGES)
    scene.look_until(lambda: len(scene.requested()) == 16, "the requests")
    scene.serve_until_done(16)
    scene.require_one_effect_each()


@pytest.mark.logs_errors(LOST)
def test_a_message_that_is_passed_each_time_fails_in_the_end(scene: Scene) -> None:
    """Its record never decodes, so that the parser writes it to mail.dead."""
    scene.pipeline.start(STAGES)
    (mail_id,) = scene.publish(1)
    scene.wait_for_done(1)
    scene.pipeline.rows(
        "UPDATE incoming_mail SET state = 'fetched', parsed = NULL WHERE mail_id = %s RETURNING 1",
        [mail_id],
    )
    for _ in range(lost.PASSED_MAX - 1):
        scene.look_until(lambda: scene.requested() == {mail_id}, "the request")
        scene.pipeline.rows("DELETE FROM refetch RETURNING 1")
        assert scene.states() == {"fetched": 1}
    scene.look_until(lambda: scene.states() == {"failed": 1}, "the failure")
    assert scene.requested() == set()
    ((reason,),) = scene.pipeline.rows("SELECT reason FROM incoming_mail")
    assert "postrail dead list" in reason


@pytest.mark.logs_errors(LOST, MADE_ANEW)
def test_kafka_s_data_removed_under_a_whole_database_loses_nothing(
    own_folder: Path, own_broker: Kafka, empty_database_url: str
) -> None:
    asyncio.run(migrate(empty_database_url))
    environment = environment_of(
        own_folder,
        bootstrap_servers=own_broker.bootstrap_servers,
        database_url=empty_database_url,
    )
    with Pipeline(own_folder, {**environment, **QUICK}) as pipeline:
        pipeline.configure(Inbox(name=mailbox) for mailbox in MAILBOXES)
        scene = Scene(pipeline)
        lay_out(scene)
        pipeline.replica("sender").stop()
        own_broker.stop()
        shutil.rmtree(own_broker.folder / "log")
        own_broker.start()
        apply_topics(scene.kafka)
        for service in STAGES:
            pipeline.replica(service).start()
        # The new topics grow past the offsets that were stored, before anything was asked for.
        scene.publish(90)
        scene.serve_until_done(138)
        scene.require_one_effect_each()
        scene.wait_until(lambda: not pipeline.unfinished(), "the notifications")
