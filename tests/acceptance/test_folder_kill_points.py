"""Messages in files take effect once, although the fetcher is killed at any point of its work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.stream.topics import MAIL_DEAD
from tests.makers.folders import Folder
from tests.processes.pipeline import SERVICES, Pipeline, letter

pytestmark = [pytest.mark.timeout(150)]

KILL_SECONDS = 60.0
MAILS = [
    letter(
        f"Printer {number} on fire",
        sender="ada@customer.test",
        message_id=f"<{number}@customer.test>",
        text="It burns.\r\n",
    )
    for number in range(3)
]
# The kind of folder, the setting of after_download, and the point at which the fetcher is killed.
POINTS = [
    ("maildir", "seen", "file finished"),
    ("maildir", "move", "file in both places"),
    ("eml", "remove", "acknowledged"),
    ("eml", "move", "file removed"),
    ("mbox", "remove", "recorded"),
    ("mbox", "move", "mbox replaced"),
]


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str]) -> Iterator[Pipeline]:
    quick = {
        "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "2",
        "POSTRAIL_KAFKA__HEARTBEAT_INTERVAL_SECONDS": "0.5",
    }
    with Pipeline(own_folder, {**environment, **quick}) as pipeline:
        yield pipeline


@pytest.mark.parametrize(("kind", "wanted", "point"), POINTS)
def test_after_a_kill_each_message_makes_one_issue(
    pipeline: Pipeline, tmp_path: Path, kind: str, wanted: str, point: str
) -> None:
    folder = Folder(kind, tmp_path)
    for mail in MAILS:
        folder.add(mail)
    target = "Processed" if wanted == "move" else ""
    account = folder.account(after_download=wanted, move_to=target, poll_seconds=1)
    pipeline.configure([], others=[account])
    pipeline.start(service for service in SERVICES if service != "fetcher")
    victim = pipeline.process("victim", ["-m", "tests.processes.faulty.killed_at", point])
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end
    pipeline.start(["fetcher"])
    pipeline.wait_until_settled(mails=3)
    issues = pipeline.rows("SELECT summary FROM issue ORDER BY summary")
    assert issues == [(f"Printer {number} on fire",) for number in range(3)]
    assert pipeline.rows("SELECT DISTINCT state, outcome FROM incoming_mail") == [("done", "issue")]
    assert pipeline.value("SELECT count(*) FROM comment") == 0
    assert len(pipeline.sent()) == 3
    assert pipeline.unaccounted() == 0
    assert pipeline.records(MAIL_DEAD) == 0
    left = MAILS if wanted == "seen" else []
    pipeline.wait_until(lambda: folder.left() == left, 20, "the folder to be seen to")
    assert len(folder.moved()) == (3 if wanted == "move" else 0)
