"""Handlers are killed at a deadline and while an issue follows: all is done once."""

from __future__ import annotations

import signal

import pytest

from tests.acceptance.handlers.desk import Desk, account
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

KILL_SECONDS = 60.0
ADA, BO = "ada@customer.test", "bo@desk.test"
CONFIGURATION = """
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: desk@desk.test, is_default: true}
projects:
  - key: HELP
    name: Help desk
    statuses:
      - {name: Open, category: to do}
      - {name: Refused, category: done}
people:
  - {address: bo@desk.test, name: Bo}
approvals:
  - {name: deploy, enabled: true, account: answers, reply_address: answers@desk.test,
     unverified_senders: decide}
accounts: ACCOUNTS
"""
ACCOUNTS = account("support", "HELP") + account(
    "answers", "HELP", purpose="approvals", poll_seconds="1", max_mails_per_poll="30"
)
REQUEST = (
    "approvals request deploy Deploy --issue HELP-1 --deadline 1h --at-deadline reject"
    f" --rejected-status Refused --approver {BO} --requester {ADA}"
).split()
# Where a handler is killed, and what is left then: the state of the request, its messages to the
# requester, the status of the issue, and its internal comments.
OPEN, DECIDED, FOLLOWED = (
    ("open", 0, "Open", 0),
    ("decided", 1, "Open", 0),
    ("decided", 1, "Refused", 1),
)
KILLS = (
    ("deadline: ended", OPEN),
    ("timer: removed", OPEN),
    ("handled", DECIDED),
    ("follow: moved", DECIDED),
    ("follow: commented", DECIDED),
    ("timer: removed", DECIDED),
)
LEFT = """
SELECT (SELECT state FROM approval_request),
    (SELECT count(*) FROM outgoing_mail WHERE message_event = 'approval_result'),
    (SELECT status FROM issue), (SELECT count(*) FROM comment WHERE internal)
"""
EVENTS = "SELECT array_agg(kind ORDER BY event_id) FROM approval_event"


def test_a_deadline_decides_once_and_the_issue_follows_once(desk: Desk) -> None:
    desk.apply(CONFIGURATION.replace("ACCOUNTS", ACCOUNTS))
    desk.receive("support", letter("Water", sender=ADA))
    for replica in desk.pipeline.replicas.pop("handler"):
        assert replica.stop() == 0
    desk.run(*REQUEST)
    let_it_pass(desk)
    for point, state in KILLS:
        kill_handler(desk, point)
        assert desk.pipeline.rows(LEFT) == [state], point
    desk.pipeline.start(["handler"])
    desk.pipeline.wait_until(
        lambda: desk.pipeline.value("SELECT count(*) FROM timer") == 0, 60, "no timer is left"
    )
    assert desk.pipeline.rows(LEFT) == [FOLLOWED]
    assert desk.pipeline.value(EVENTS) == ["requested", "asked", "decided", "followed"]
    assert "The ledger is whole" in desk.run("approvals", "verify")


def let_it_pass(desk: Desk) -> None:
    """Puts the deadline a minute back, after which the fetcher has read the mailbox."""
    pipeline = desk.pipeline
    pipeline.rows("UPDATE approval_request SET deadline = now() - interval '1 minute' RETURNING 1")
    pipeline.rows("UPDATE timer SET due_at = now() RETURNING 1")
    pipeline.wait_until(
        lambda: pipeline.value(
            "SELECT count(*) FROM mailbox_contact, approval_request"
            " WHERE mailbox = 'answers' AND read_until >= deadline"
        ),
        60,
        "the mailbox is read whole",
    )


def kill_handler(desk: Desk, point: str) -> None:
    """Lets a handler work until the point."""
    victim = desk.pipeline.process("victim", ["-m", "tests.processes.faulty.killed_at", point])
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end
