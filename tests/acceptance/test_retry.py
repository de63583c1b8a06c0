"""Messages that failed in the parser are retried from their raw bytes, after it was fixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.commands import Postrail, answer
from tests.processes.faulty.failing_parser import FAULT, FIELD
from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

MAILS = 20


def broken(number: int) -> bytes:
    """Returns a message on which the parser fails; each but the first answers the one before."""
    answered = f"<{number - 1}@c.test>" if number else None
    return (
        FIELD
        + b"\r\n"
        + letter(f"Broken {number}", message_id=f"<{number}@c.test>", in_reply_to=answered)
    )


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support")])
        yield pipeline
        pipeline.show_logs()


def test_what_failed_in_the_parser_is_handled_once_after_a_retry(
    pipeline: Pipeline, postrail: Postrail
) -> None:
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.failing_parser"])
    pipeline.start()
    pipeline.dovecot.fill("support", [broken(number) for number in range(MAILS)])
    pipeline.wait_until_settled(mails=MAILS)
    failed = "SELECT count(*) FROM incoming_mail WHERE state = 'failed'"
    assert pipeline.value(failed) == MAILS
    # A retry before the parser is fixed has the same outcome, as another revision.
    assert answer(postrail, "mail", "retry", "--all", "--yes")["requested"] == MAILS
    revisions = "SELECT count(*) FROM incoming_mail WHERE state = 'failed' AND revision = {}"
    pipeline.wait_until(
        lambda: pipeline.value(revisions.format(2)) == MAILS, 60, "the second failures"
    )

    assert pipeline.replica("parser").stop() == 0
    pipeline.start_as("parser", ["-m", "services.parser"])
    assert answer(postrail, "mail", "retry", "--reason", FAULT, "--yes")["requested"] == MAILS
    pipeline.wait_until(lambda: pipeline.value(failed) == 0, 60, "the retry")
    pipeline.wait_until_settled(mails=MAILS)
    assert pipeline.rows(
        "SELECT state, revision, outcome, count(*) FROM incoming_mail GROUP BY 1, 2, 3 ORDER BY 3"
    ) == [("done", 3, "comment", MAILS - 1), ("done", 3, "issue", 1)]
    # In the order in which they arrived.
    bodies = pipeline.rows("SELECT mail_id::text FROM comment ORDER BY comment_id")
    by_uid = "substring(source FROM 'uid=([0-9]+)$')::int"
    arrived = pipeline.rows(f"SELECT mail_id::text FROM incoming_mail ORDER BY {by_uid}")
    assert bodies == arrived[1:]
    assert pipeline.value("SELECT count(*) FROM refetch") == 0
    assert pipeline.unaccounted() == 0
