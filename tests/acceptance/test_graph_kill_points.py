"""A fetcher on Microsoft Graph is killed at any point of its work: each message has one effect."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.configuration.models.project import Project
from postrail.stream.topics import MAIL_DEAD
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_scene import ADDRESS, graph_account
from tests.makers.configuration import UNLIMITED
from tests.processes.graph_fetcher import POINTS
from tests.processes.pipeline import Pipeline, letter
from tests.servers.certificates import Certificates

pytestmark = pytest.mark.timeout(150)

KILL_SECONDS = 60.0
CUSTOMER = "ada@customer.test"
FETCHER = ["-m", "tests.processes.graph_fetcher"]
# Large enough for the blob store, and small enough to be read in a batch with others.
LARGE_TEXT = "All the details.\r\n" * 60_000


@pytest.fixture
def graph(certificates: Certificates) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as graph:
        graph.add_mailbox(ADDRESS)
        yield graph


@pytest.fixture
def pipeline(
    own_folder: Path, environment: dict[str, str], graph: FakeGraph, certificates: Certificates
) -> Iterator[Pipeline]:
    more = {
        # After this time the group drops a member that was killed.
        "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
        "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
    }
    account = graph_account(
        graph,
        certificates,
        after_download="move",
        move_to="Inbox/Done",
        poll_seconds=1,
    )
    with Pipeline(own_folder, {**environment, **more}) as pipeline:
        pipeline.environment["GRAPH_TOKEN"] = graph.grant("Mail.ReadWrite")
        things = [Project(key="HELP", name="Help"), account, pipeline._outgoing(), *UNLIMITED]
        asyncio.run(pipeline._save(things))
        yield pipeline
        pipeline.show_logs()


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_successor_completes_the_work(
    pipeline: Pipeline, graph: FakeGraph, point: str
) -> None:
    mailbox = graph.mailboxes[ADDRESS].mailbox
    question = letter("Printer on fire", message_id="<1@customer.test>", text=LARGE_TEXT)
    reply = letter(
        "Re: Printer on fire", message_id="<2@customer.test>", in_reply_to="<1@customer.test>"
    )
    mails = [mailbox.deliver(content) for content in (question, reply)]
    pipeline.start(["parser", "handler", "sender"])
    victim = pipeline.process("fetcher-victim", [*FETCHER, point])
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end
    pipeline.start_as("fetcher", FETCHER)
    pipeline.wait_until(
        lambda: [mail.folder.name for mail in mails] == ["Done"] * 2, 40, "both mails moved"
    )
    pipeline.wait_until_settled(mails=2)
    assert pipeline.rows("SELECT outcome, issue_key FROM incoming_mail ORDER BY outcome") == [
        ("comment", "HELP-1"),
        ("issue", "HELP-1"),
    ]
    assert pipeline.rows("SELECT issue_key FROM issue") == [("HELP-1",)]
    assert pipeline.rows("SELECT issue_key FROM comment") == [("HELP-1",)]
    assert [mail.recipients for mail in pipeline.sent()] == [(CUSTOMER,)]
    assert pipeline.unaccounted() == 0
    assert pipeline.records(MAIL_DEAD) == 0
