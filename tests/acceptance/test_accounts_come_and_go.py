"""Accounts are added and removed while the services run: each message is handled once, none fails.

The fetcher and the handler read the configuration at different times, so a message may arrive at a
process that has not heard of its account yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from postrail.stream.topics import MAIL_PARSED
from tests.makers.commands import Postrail
from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(300)]

TIMES = 20
MAILS = 3
# Keeps a core busy, at the priority of the services.
BUSY = ["-c", "while True: pass"]
ACCOUNT = """
accounts:
  - name: {name}
    host: 127.0.0.1
    port: {port}
    encryption: none
    username: {name}
    password: {password}
    address: {name}@desk.test
    project: HELP
    poll_seconds: 2
"""


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    # A fetcher that hears of an account at once, which the handler then has not heard of.
    environment["POSTRAIL_FETCHER__ACCOUNTS_RELOAD_SECONDS"] = "0.1"
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support")])
        yield pipeline


def apply(postrail: Postrail, pipeline: Pipeline, name: str) -> None:
    file = pipeline.folder / f"{name}.yaml"
    file.write_text(ACCOUNT.format(name=name, port=pipeline.dovecot.imap_port, password=PASSWORD))
    code, _, errors = postrail("apply", "-f", str(file))
    assert code == 0, errors


def remove(pipeline: Pipeline, name: str) -> None:
    url = pipeline.settings.database.url.get_secret_value()
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM mail_account WHERE name = %s", [name])


def outcomes(pipeline: Pipeline) -> Counter[str]:
    return Counter(
        reason if state == "failed" else outcome or state
        for state, outcome, reason in pipeline.rows(
            "SELECT state, outcome, reason FROM incoming_mail"
        )
    )


def wait_until_done(pipeline: Pipeline, mailbox: str, mails: int) -> None:
    statement = "SELECT count(*) FROM incoming_mail WHERE mailbox = %s AND state = 'done'"
    pipeline.wait_until(
        lambda: pipeline.value(statement, [mailbox]) == mails, 60, f"{mails} of {mailbox} are done"
    )


def test_no_message_of_a_new_account_fails(pipeline: Pipeline, postrail: Postrail) -> None:
    pipeline.start()
    for number in range(2):
        pipeline.process(f"busy-{number}", BUSY).start()
    for time in range(TIMES):
        # The handler has just read the configuration when the account is added.
        pipeline.dovecot.append("support", letter(f"before {time}"))
        wait_until_done(pipeline, "support", time + 1)
        name = f"new-{time}"
        pipeline.dovecot.fill(name, [letter(f"{name} {n}") for n in range(MAILS)])
        apply(postrail, pipeline, name)
    pipeline.wait_until_settled(mails=TIMES * (1 + MAILS), seconds=120)
    assert outcomes(pipeline) == {"issue": TIMES * (1 + MAILS)}
    assert len(pipeline.sent()) == TIMES * (1 + MAILS)


@pytest.mark.parametrize("handler_runs", [True, False], ids=["while it runs", "while it is down"])
def test_an_account_that_is_removed_and_added_again_loses_and_repeats_nothing(
    pipeline: Pipeline, postrail: Postrail, handler_runs: bool
) -> None:
    apply(postrail, pipeline, "info")
    pipeline.start(["fetcher", "parser"])
    pipeline.dovecot.fill("info", [letter("parsed 1"), letter("parsed 2")])
    pipeline.wait_until(lambda: pipeline.records(MAIL_PARSED) == 2, 60, "two are parsed")
    pipeline.replica("parser").stop()
    pipeline.dovecot.fill("info", [letter("fetched 1"), letter("fetched 2")])
    pipeline.wait_until(lambda: outcomes(pipeline) == {"fetched": 4}, 60, "four are fetched")
    remove(pipeline, "info")
    pipeline.wait_until(lambda: "no longer ours" in pipeline.replica("fetcher").log_end, 60, "gone")
    pipeline.dovecot.fill("info", [letter("in the mailbox 1"), letter("in the mailbox 2")])

    pipeline.replica("parser").start()
    pipeline.start()
    pipeline.wait_until(lambda: outcomes(pipeline) == {"waiting": 4}, 60, "four wait")
    pipeline.dovecot.append("support", letter("another account"))
    wait_until_done(pipeline, "support", 1)

    if not handler_runs:
        pipeline.replica("handler").stop()
    apply(postrail, pipeline, "info")
    if not handler_runs:
        pipeline.wait_until(lambda: outcomes(pipeline)["fetched"] == 2, 60, "two are fetched")
        pipeline.replica("handler").start()
    pipeline.wait_until_settled(mails=7)
    assert outcomes(pipeline) == {"issue": 7}
    assert len(pipeline.sent()) == 7
