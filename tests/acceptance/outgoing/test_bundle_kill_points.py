"""Handlers are killed around the commits of a bundle and a digest: each person gets each once."""

from __future__ import annotations

import signal
from collections import Counter
from email import message_from_bytes
from email.policy import default

import pytest

from tests.acceptance.handlers.desk import Desk, account
from tests.acceptance.outgoing.mail_user import text_of
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(180)]

KILL_SECONDS = 60.0
ADA, BO = "ada@customer.test", "bo@desk.test"
CONFIGURATION = """
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: desk@desk.test, is_default: true}
projects:
  - {key: HELP, name: Help desk, bundle_seconds: 3600}
people:
  - {address: bo@desk.test, name: Bo, messages: digest}
accounts: ACCOUNTS
"""
EVENTS = ["The pump runs.", "The pump stands.", "The pump runs again."]
# Where a handler is killed, and what is left then: people who wait for a bundle and for a digest,
# stored bundles and digests.
KILLS = (
    ("timer: removed", (3, 3, 0, 0)),
    ("handled", (0, 3, 1, 0)),
    ("timer: removed", (0, 3, 1, 0)),
    ("handled", (0, 0, 1, 1)),
)
LEFT = """
SELECT (SELECT count(*) FROM pending_delivery WHERE NOT digest),
    (SELECT count(*) FROM pending_delivery WHERE digest),
    (SELECT count(*) FROM outgoing_mail WHERE message_event = 'bundled'),
    (SELECT count(*) FROM outgoing_mail WHERE message_event = 'digest')
"""


def test_each_person_is_told_of_each_event_once(desk: Desk) -> None:
    desk.apply(CONFIGURATION.replace("ACCOUNTS", account("support", "HELP")))
    desk.receive("support", letter("Water", sender=ADA))
    desk.run("issues", "watch", "HELP-1", "--watcher", BO)
    for replica in desk.pipeline.replicas.pop("handler"):
        assert replica.stop() == 0
    for event in EVENTS:
        desk.run("issues", "comment", "HELP-1", event)
    end_the_waiting(desk)
    for point, state in KILLS:
        kill_handler(desk, point)
        assert desk.pipeline.rows(LEFT) == [state], point
    desk.pipeline.start(["handler"])
    desk.pipeline.wait_until_settled(mails=1)
    assert desk.pipeline.value("SELECT count(*) FROM timer") == 0
    assert told_of(desk) == {ADA: Counter(EVENTS), BO: Counter(EVENTS)}


def end_the_waiting(desk: Desk) -> None:
    """Makes the bundle and the digest due, as if an hour and the night were over."""
    for table in ("pending_delivery", "timer"):
        desk.pipeline.rows(f"UPDATE {table} SET due_at = now() RETURNING 1")


def kill_handler(desk: Desk, point: str) -> None:
    """Lets a handler work until the point."""
    victim = desk.pipeline.process("victim", ["-m", "tests.processes.faulty.killed_at", point])
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end


def told_of(desk: Desk) -> dict[str, Counter[str]]:
    """Counts how often each person was told of each event."""
    told: dict[str, Counter[str]] = {}
    for mail in desk.pipeline.sent():
        text = text_of(message_from_bytes(mail.content, policy=default))
        for recipient in mail.recipients:
            found = Counter({event: text.count(event) for event in EVENTS if event in text})
            told[recipient] = told.get(recipient, Counter()) + found
    return told
