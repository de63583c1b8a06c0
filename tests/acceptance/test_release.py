"""Messages that a rule holds are released while services are killed; each has its effect once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from tests.makers.commands import Postrail, answer
from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

MAILS = 20
HELD = MailHandler.model_validate(
    {"name": "held", "order": 1, "then": [{"quarantine": "each is looked at first"}]}
)


def message(number: int) -> bytes:
    """Returns a message; each but the first answers the one before."""
    answered = f"<{number - 1}@c.test>" if number else None
    return letter(f"Held {number}", message_id=f"<{number}@c.test>", in_reply_to=answered)


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support")], more=[HELD])
        yield pipeline
        pipeline.show_logs()


def test_what_is_released_is_handled_once_whatever_is_killed(
    pipeline: Pipeline, postrail: Postrail
) -> None:
    pipeline.start()
    pipeline.dovecot.fill("support", [message(number) for number in range(MAILS)])
    pipeline.wait_until_settled(mails=MAILS)
    quarantined = "SELECT count(*) FROM incoming_mail WHERE state = 'quarantined'"
    assert pipeline.value(quarantined) == MAILS
    assert pipeline.value("SELECT count(*) FROM issue") == 0

    for service in ("fetcher", "parser", "handler"):
        # Twice at once, and it does not matter who serves what of it.
        for _ in range(2):
            answer(postrail, "mail", "release", "--all", "--yes")
        pipeline.replica(service).kill()
        pipeline.replica(service).start()
    pipeline.wait_until(lambda: pipeline.value(quarantined) == 0, 90, "the release")
    pipeline.wait_until_settled(mails=MAILS)

    assert pipeline.rows(
        "SELECT state, revision, outcome, count(*) FROM incoming_mail GROUP BY 1, 2, 3 ORDER BY 3"
    ) == [("done", 2, "comment", MAILS - 1), ("done", 2, "issue", 1)]
    # In the order in which they arrived.
    bodies = pipeline.rows("SELECT mail_id::text FROM comment ORDER BY comment_id")
    by_uid = "substring(source FROM 'uid=([0-9]+)$')::int"
    arrived = pipeline.rows(f"SELECT mail_id::text FROM incoming_mail ORDER BY {by_uid}")
    assert bodies == arrived[1:]
    assert pipeline.value("SELECT count(*) FROM comment WHERE added_late_at IS NULL") == 0
    assert pipeline.value("SELECT count(*) FROM refetch") == 0
    assert pipeline.unaccounted() == 0
