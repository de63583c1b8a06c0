"""A flood while handlers are killed: what is over the limit is held, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.configuration.models.limit import Limit, LimitName
from tests.makers.commands import Postrail
from tests.makers.configuration import UNLIMITED
from tests.processes.faulty.deadly_handler import SLOW
from tests.processes.pipeline import Inbox, Pipeline, Replica, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(300)]

MAILS, LIMIT, BATCH = 120, 20, 10
WAIT_SECONDS = 120.0
KILLS = 4
IN_FLIGHT = "SELECT 1 FROM in_flight WHERE work_ids <> '{}'"


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    own = {**environment, "POSTRAIL_HANDLER__BATCH_MAX_MAILS": str(BATCH)}
    with Pipeline(own_folder, own, dovecot) as pipeline:
        yield pipeline
        pipeline.show_logs()


def outcomes(pipeline: Pipeline) -> dict[str, int]:
    return dict(pipeline.rows("SELECT outcome, count(*) FROM incoming_mail GROUP BY 1"))


def kill_within_work(pipeline: Pipeline, handlers: list[Replica]) -> None:
    """Kills a handler that has a batch in flight, each in turn, and starts it again."""
    for number in range(KILLS):
        pipeline.wait_until(lambda: pipeline.rows(IN_FLIGHT), WAIT_SECONDS, "a batch in flight")
        handler = handlers[number % len(handlers)]
        handler.kill()
        handler.start()
        time.sleep(1.5)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_flood_is_held_and_complete_after_its_release(
    pipeline: Pipeline, postrail: Postrail, replicas: int
) -> None:
    inbox = Inbox(name="support")
    limits = [one for one in UNLIMITED if one.name != LimitName.SENDER_MESSAGES]
    limits.append(Limit(name=LimitName.SENDER_MESSAGES, value=LIMIT))
    pipeline.configure([inbox], limits=limits)
    flood = (letter(f"flood {number}", message_id=f"<{number}@x>") for number in range(MAILS))
    pipeline.dovecot.fill("support", flood)
    pipeline.start(["fetcher", "parser", "sender"])
    # Each of their batches takes a second.
    handlers = [
        pipeline.process(f"handler-{number}", ["-m", "tests.processes.faulty.deadly_handler", SLOW])
        for number in range(replicas)
    ]
    for handler in handlers:
        handler.start()
    kill_within_work(pipeline, handlers)
    pipeline.wait_until(
        lambda: (
            outcomes(pipeline).keys() == {"issue", "quarantined"}
            and sum(outcomes(pipeline).values()) == MAILS
        ),
        WAIT_SECONDS,
        "all to be handled",
    )
    taken = outcomes(pipeline)["issue"]
    print(f"{replicas} handlers, {KILLS} kills: {taken} of {MAILS} messages taken")
    # A batch of each other handler at the same moment may go over it.
    assert LIMIT <= taken <= LIMIT + BATCH * (replicas - 1)
    assert pipeline.value("SELECT count(*) FROM issue") == taken

    code, output, errors = postrail("mail", "release", "--all", "--reason", "limit", "--yes")
    assert code == 0, output + errors
    handlers[0].kill()
    handlers[0].start()
    pipeline.wait_until(
        lambda: outcomes(pipeline) == {"issue": MAILS}, WAIT_SECONDS, "the released ones"
    )
    assert pipeline.value("SELECT count(DISTINCT summary) FROM issue") == MAILS
    assert pipeline.value("SELECT count(*) FROM issue") == MAILS
