"""A process is killed at any point of its work: the message still has its effects once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.stream.topics import MAIL_DEAD
from tests.processes.pipeline import SERVICES, Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(150)]

KILL_SECONDS = 60.0
CUSTOMER = "ada@customer.test"
# Large enough for the blob store.
LARGE_TEXT = "All the details.\r\n" * 60_000
# For each point the process that is killed there, and the state right after the kill: rows of the
# message, messages marked as seen, issues and sent notifications.
POINTS = {
    "fetched": ("fetcher", (0, 0, 0, 0)),
    "blob": ("fetcher", (0, 0, 0, 0)),
    "acknowledged": ("fetcher", None),
    "recorded": ("fetcher", None),
    "seen": ("fetcher", None),
    "parsed": ("parser", None),
    "taken in": ("handler", (1, 1, 0, 0)),
    # Before the commit.
    "stored": ("handler", (1, 1, 0, 0)),
    # The sender works from the rows, whether or not their records have come.
    "handled": ("handler", None),
    "queued": ("handler", None),
    "outgoing taken in": ("sender", None),
    "final dot": ("sender", (1, 1, 1, 1)),
}

# Whether the notification is sent twice; None where the kill may meet an attempt at any step.
TWICE: dict[str, bool | None] = {"final dot": True, "outgoing taken in": None}


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    quick = {
        # After this time the group drops a member that was killed.
        "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
        "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
        # Longer than any dialogue of this test.
        "POSTRAIL_SENDER__CLAIM_SECONDS": "5",
        # A kill between the final dot and the reply counts as an attempt of unknown outcome.
        "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "1",
    }
    with Pipeline(own_folder, {**environment, **quick}, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support")])
        yield pipeline
        pipeline.show_logs()


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_successor_completes_the_work(pipeline: Pipeline, point: str) -> None:
    service, state = POINTS[point]
    text = LARGE_TEXT if point == "blob" else "It burns.\r\n"
    mail = letter("Printer on fire", sender=CUSTOMER, message_id="<1@customer.test>", text=text)
    pipeline.dovecot.append("support", mail)
    pipeline.start(other for other in SERVICES if other != service)
    victim = pipeline.process(
        f"{service}-victim", ["-m", "tests.processes.faulty.killed_at", point]
    )
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end
    if state is not None:
        assert state_of(pipeline) == state
    pipeline.start([service])
    pipeline.wait_until_settled(mails=1)
    require_one_of_each(pipeline)
    require_sent(pipeline, twice=TWICE.get(point, False))


def test_a_committed_comment_is_sent_although_its_command_was_killed(
    pipeline: Pipeline,
) -> None:
    mail = letter("Printer on fire", sender=CUSTOMER, message_id="<1@customer.test>")
    pipeline.dovecot.append("support", mail)
    pipeline.start()
    pipeline.wait_until_settled(mails=1)
    arguments = ["issues", "comment", "HELP-1", "Help is on its way."]
    victim = pipeline.process(
        "comment", ["-m", "tests.processes.faulty.killed_at", "commented", *arguments]
    )
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end
    assert pipeline.value("SELECT count(*) FROM comment") == 1
    pipeline.wait_until(lambda: len(pipeline.sent()) == 2, 30, "the mail about the comment")
    pipeline.wait_until_settled(mails=1)
    told = pipeline.sent()[1]
    assert told.recipients == (CUSTOMER,)
    assert b"Help is on its way." in told.content
    assert pipeline.rows("SELECT state, maybe_twice FROM delivery") == [("sent", False)] * 2


def state_of(pipeline: Pipeline) -> tuple[int, int, int, int]:
    """Counts the rows of the message, messages marked as seen, issues and sent notifications."""
    return (
        pipeline.value("SELECT count(*) FROM incoming_mail"),
        pipeline.seen("support")[0],
        pipeline.value("SELECT count(*) FROM issue"),
        len(pipeline.sent()),
    )


def require_one_of_each(pipeline: Pipeline) -> None:
    """Checks that one message had one effect, and that no work is left."""
    assert pipeline.rows("SELECT state, outcome, issue_key FROM incoming_mail") == [
        ("done", "issue", "HELP-1")
    ]
    assert pipeline.rows("SELECT issue_key, summary FROM issue") == [("HELP-1", "Printer on fire")]
    assert pipeline.value("SELECT count(*) FROM comment") == 0
    pipeline.wait_until(lambda: pipeline.seen("support") == (1, 1), 20, "the mail marked as seen")
    assert pipeline.unfinished() == {}
    assert pipeline.unaccounted() == 0
    assert pipeline.records(MAIL_DEAD) == 0


def require_sent(pipeline: Pipeline, *, twice: bool | None) -> None:
    """Checks for one notification; after a kill at the final dot, a second one marked as such."""
    sent = pipeline.sent()
    ((state, noted),) = pipeline.rows("SELECT state, maybe_twice FROM delivery")
    assert state == "sent"
    assert {mail.recipients for mail in sent} == {(CUSTOMER,)}
    assert len({mail.content for mail in sent}) == 1
    assert len(sent) <= (2 if noted else 1)
    if twice is not None:
        assert (len(sent), noted) == (2 if twice else 1, twice)
