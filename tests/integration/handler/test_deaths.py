"""Messages that kill the handler: identified by three deaths alone, all others are handled once.

Kills of a healthy handler, stops, and restarts of PostgreSQL must not blame a message.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.records import MailParsed
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import MAIL_PARSED
from tests.makers.records import mail_parsed
from tests.processes.faulty.deadly_handler import MIB, SLOW, WORD
from tests.processes.pipeline import Inbox, Pipeline, Replica

pytestmark = pytest.mark.timeout(240)

WAIT_SECONDS = 120.0
DIED = "a process died with messages in flight"
# The limit of the handler in deploy/k8s/base/handler.yaml.
MANIFEST_MIB = "512"


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str]) -> Iterator[Pipeline]:
    with Pipeline(own_folder, environment) as pipeline:
        pipeline.environment["MALLOC_ARENA_MAX"] = "1"
        pipeline.configure([Inbox(name="support")])
        yield pipeline
        pipeline.show_logs()


def feed(pipeline: Pipeline, mails: Sequence[MailParsed]) -> None:
    """Sends parsed messages, as the parser would."""

    async def sending() -> None:
        producer = Producer(pipeline.settings.kafka)
        await producer.start()
        await producer.send([Entry(MAIL_PARSED, one.mailbox, avro.encode(one)) for one in mails])
        await producer.close()

    asyncio.run(sending())


def restart_until(replicas: Sequence[Replica], condition: Callable[[], bool]) -> list[int | None]:
    """Restarts each handler when it ends; returns the exit codes of all."""
    codes: list[int | None] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"exit codes {codes}: {replicas[0].log_end}"
        for replica in replicas:
            if not replica.running:
                codes.append(replica.exit_code)
                replica.start()
        time.sleep(0.05)
    return codes


def states(pipeline: Pipeline) -> dict[str, int]:
    return dict(pipeline.rows("SELECT state, count(*) FROM incoming_mail GROUP BY 1"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_mail_that_kills_is_failed_after_three_deaths_and_all_others_are_handled_once(
    pipeline: Pipeline, replicas: int
) -> None:
    mails = [
        mail_parsed(subject=f"{WORD} mail" if number == 24 else f"mail {number}")
        for number in range(64)
    ]
    feed(pipeline, mails)
    handlers = [
        pipeline.process(f"handler-{number}", ["-m", "tests.processes.faulty.deadly_handler"])
        for number in range(replicas)
    ]
    for handler in handlers:
        handler.start()
    codes = restart_until(handlers, lambda: states(pipeline) == {"done": 63, "failed": 1})
    assert set(codes) == {-9}
    # Once in a batch, and three times alone; a second replica may take the batch, too, also at the
    # moments of deaths that PostgreSQL has not noticed yet.
    assert 4 <= len(codes) <= (4 if replicas == 1 else 12)
    # One that was started again a moment ago holds no signals yet.
    assert {handler.stop() for handler in handlers} <= {0, -signal.SIGTERM}
    ((mail_id, reason),) = pipeline.rows(
        "SELECT mail_id::text, reason FROM incoming_mail WHERE state = 'failed'"
    )
    assert mail_id == mails[24].mail_id
    assert "the handler died 3 times while processing this mail" in reason
    assert "postrail mail retry" in reason
    assert pipeline.value("SELECT count(*) FROM issue") == 63
    # Nothing is left of what was counted.
    assert pipeline.rows("SELECT 1 FROM death WHERE work_id = %s", [mail_id]) == []
    assert pipeline.rows("SELECT 1 FROM in_flight") == []


def test_replies_to_many_watchers_fit_into_the_memory_of_the_manifest(pipeline: Pipeline) -> None:
    """Uses the real limit: 50 replies of 3 MiB to issues of 12 watchers each."""
    first = [mail_parsed(subject=f"issue {number}") for number in range(50)]
    feed(pipeline, first)
    pipeline.start_as("handler", ["-m", "tests.processes.faulty.deadly_handler", MANIFEST_MIB])
    handler = pipeline.replica("handler")
    pipeline.wait_until(
        lambda: states(pipeline).get("done") == len(first), WAIT_SECONDS, "the issues"
    )
    add_watchers(pipeline, 12)
    text = ("Good morning, it burns again. " * (3 * MIB // 30)).encode()
    reference = asyncio.run(BlobStore(pipeline.settings.blobs.url).put(text))
    replies = [
        mail_parsed(text="", text_blob=reference, in_reply_to=[one.message_id]) for one in first
    ]
    feed(pipeline, [*replies, mail_parsed(subject="of somebody else")])
    codes = restart_until([handler], lambda: states(pipeline) == {"done": 101})
    assert codes == []
    assert pipeline.value("SELECT count(*) FROM comment") == 50


def add_watchers(pipeline: Pipeline, number: int) -> None:
    pipeline.rows(
        "INSERT INTO watcher (issue_id, address, name)"
        " SELECT issue_id, 'w' || n || '@customer.test', '' FROM issue_index,"
        f" generate_series(1, {number}) AS n RETURNING 1"
    )


def test_a_paused_handler_that_wakes_up_again_is_not_dead(pipeline: Pipeline) -> None:
    mails = [mail_parsed(subject=f"mail {number}") for number in range(5)]
    feed(pipeline, mails)
    frozen, other = (
        pipeline.process(f"handler-{name}", ["-m", "tests.processes.faulty.deadly_handler", SLOW])
        for name in ("frozen", "other")
    )
    frozen.start()
    pipeline.wait_until(
        lambda: pipeline.rows("SELECT 1 FROM in_flight WHERE work_ids <> '{}'"),
        WAIT_SECONDS,
        "messages in flight",
    )
    frozen.freeze()
    other.start()
    pipeline.wait_until(
        lambda: states(pipeline) == {"done": 5}, WAIT_SECONDS, "the work of the other handler"
    )
    frozen.thaw()
    assert [frozen.stop(), other.stop()] == [0, 0]
    assert pipeline.value("SELECT count(*) FROM issue") == 5
    assert pipeline.rows("SELECT 1 FROM death") == []
    assert DIED not in frozen.log + other.log
