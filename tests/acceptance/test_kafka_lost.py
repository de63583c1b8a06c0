"""Kafka loses its data, or its topics are made anew: each message still has its effect once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import psycopg
import pytest

from postrail.database import migrate
from postrail.embedded.kafka import Kafka
from postrail.stream.topics import TOPICS, apply_topics
from tests.makers.settings import environment_of
from tests.makers.topics import make_anew
from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

WAIT_SECONDS = 150.0
QUICK = {
    # After this time the group drops a member that was killed.
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
    "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
    "POSTRAIL_FETCHER__LOST_RECORDS_SECONDS": "1",
}


def letters(first: int, count: int) -> list[bytes]:
    return [
        letter(f"Mail {n}", sender=f"ada{n}@customer.test", message_id=f"<{n}@customer.test>")
        for n in range(first, first + count)
    ]


def states(pipeline: Pipeline) -> dict[str, int]:
    try:
        return dict(pipeline.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state"))
    except psycopg.OperationalError:
        return {}


def restart_ended(pipeline: Pipeline) -> None:
    """Starts those processes again that have ended, as a supervisor does."""
    for group in pipeline.replicas.values():
        for replica in group:
            if not replica.running:
                replica.start()


def wait_for_done(pipeline: Pipeline, count: int) -> None:
    def done() -> bool:
        restart_ended(pipeline)
        return states(pipeline) == {"done": count}

    pipeline.wait_until(done, WAIT_SECONDS, f"{count} handled messages")


def require_one_effect_each(pipeline: Pipeline, count: int) -> None:
    assert pipeline.value("SELECT count(*) FROM issue") == count
    assert pipeline.value("SELECT count(DISTINCT mail_id) FROM issue") == count
    assert pipeline.value("SELECT count(*) FROM comment") == 0
    assert pipeline.value("SELECT count(*) FROM refetch") == 0
    # One notification each, which reached its recipient.
    pipeline.wait_until(lambda: not pipeline.unfinished(), 60, "the notifications")
    assert pipeline.rows("SELECT state, count(*) FROM delivery GROUP BY state") == [("sent", count)]
    assert len({mail.message_id for mail in pipeline.sent()}) == count


@pytest.mark.parametrize("running", [(), ("fetcher", "sender")], ids=["stopped", "running"])
def test_messages_between_the_fetch_and_the_handler_survive_the_loss_of_kafka_s_data(
    own_folder: Path,
    own_broker: Kafka,
    empty_database_url: str,
    dovecot: Dovecot,
    running: tuple[str, ...],
) -> None:
    asyncio.run(migrate(empty_database_url))
    environment = environment_of(
        own_folder,
        bootstrap_servers=own_broker.bootstrap_servers,
        database_url=empty_database_url,
    )
    with Pipeline(own_folder, {**environment, **QUICK}, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support")])
        dovecot.fill("support", letters(0, 20))
        pipeline.start()
        pipeline.wait_until_settled(mails=20)
        # Some wait for the parser, some for the handler.
        assert pipeline.replica("handler").stop() == 0
        dovecot.fill("support", letters(20, 30))
        pipeline.wait_until(
            lambda: states(pipeline) == {"done": 20, "fetched": 30}, 60, "the first ones"
        )
        assert pipeline.replica("parser").stop() == 0
        dovecot.fill("support", letters(50, 30))
        pipeline.wait_until(
            lambda: states(pipeline) == {"done": 20, "fetched": 60}, 60, "the second ones"
        )
        for service in {"fetcher", "sender"} - {*running}:
            assert pipeline.replica(service).stop() == 0
        own_broker.stop()
        shutil.rmtree(own_broker.folder / "log")
        own_broker.start()
        apply_topics(pipeline.settings.kafka)
        restart_ended(pipeline)
        wait_for_done(pipeline, 80)
        # The services that saw the loss work on.
        dovecot.append("support", letters(80, 1)[0])
        wait_for_done(pipeline, 81)
        require_one_effect_each(pipeline, 81)


def test_topics_made_anew_under_running_services_that_are_killed_meanwhile(
    own_folder: Path, environment: dict[str, str], dovecot: Dovecot
) -> None:
    with Pipeline(own_folder, {**environment, **QUICK}, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support"), Inbox(name="info")])
        dovecot.fill("support", letters(0, 20))
        pipeline.start()
        pipeline.wait_until_settled(mails=20)
        count = 20
        for victims in (("parser", "handler"), ("fetcher",)):
            dovecot.fill("support", letters(count, 60))
            dovecot.fill("info", letters(count + 60, 30))
            count += 90
            pipeline.wait_until(lambda: states(pipeline).get("fetched"), 60, "some on their way")
            make_anew(pipeline.settings.kafka, TOPICS)
            for victim in victims:
                pipeline.replica(victim).kill()
            wait_for_done(pipeline, count)
        require_one_effect_each(pipeline, count)
