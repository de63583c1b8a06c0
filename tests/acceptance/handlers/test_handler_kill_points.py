"""The handler is killed at each step of a message of which its rule makes much: all is there once.

The rule makes a person, an issue with fields, watchers and mails; the second message a comment that
opens the issue again.
"""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from postrail.stream.topics import MAIL_DEAD
from tests.acceptance.handlers.desk import Desk
from tests.chaos.bounces import bounce_of
from tests.processes.pipeline import SERVICES, letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

KILL_SECONDS = 90.0
BOUNCE_POINTS = ("effect: MarkDelivery", "effect: Suppress", "handler: published", "handled")
ADA, LEAD = "ada@customer.test", "lead@desk.test"
CONFIGURATION = """
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: desk@desk.test, is_default: true}
projects:
  - key: HELP
    name: Help desk
    lead: lead@desk.test
    components: [Printers]
    fields:
      - {name: Room, kind: text}
people:
  - {address: lead@desk.test, name: Lead}
accounts:
  - name: support
    host: 127.0.0.1
    port: IMAP_PORT
    encryption: none
    username: support
    password: secret
    address: support@desk.test
    project: HELP
    authserv_ids: [mx.desk.test]
handlers:
  - name: printers
    when: {subject contains: printer}
    create_users: true
    priority: High
    labels: [printer]
    components: [Printers]
    assignee: lead@desk.test
    fields: {Room: {from: text, pattern: 'room (\\d+)'}}
    closed_issues: reopen
    cc_watchers: true
    then:
      - {labels: [by-mail]}
      - {watchers: [lead@desk.test]}
      - {forward: partner@elsewhere.test}
      - {reply: We care for your printer.}
      - {notify: lead@desk.test}
  - name: rest
    order: 200
    field_commands: [status, priority, Room]
    bulk: delete
limits:
  # Confirmations and the rule's answers count together.
  - {name: address_answers, value: 10}
"""
STEPS = (
    "taken in",
    "handler: marked",
    "handler: locked",
    "handler: gathered",
    "handler: decided",
    "handler: notified",
    "stored",
    "handler: finished",
    "handler: published",
    "handled",
    "queued",
)
# Of a message with field commands, and of one whose body is deleted; the points of the latter each
# with whether the body is still there.
COMMAND_POINTS = (
    *("commands: checked", "commands: written", "commands: recorded", "effect: AddComment"),
    *("handler: notified", "stored", "handler: finished", "handler: published", "handled"),
)
BODY_POINTS = {
    "handler: decided": True,
    "effect: DeleteBody": True,
    "handler: finished": True,
    "handler: published": True,
    "handled": False,
}
# What the rule sends about each message, beside the notifications of the issue.
PURPOSES = ("forward", "reply", "notice")
EFFECTS = tuple(
    f"effect: {name}" for name in ("CreatePerson", "CreateIssue", "Forward", "Reply", "Notify")
)
FIRST = letter("Printer on fire", sender=ADA, message_id="<1@c.test>", text="In room 12.\r\n")
# Only of a proven sender an issue is opened again.
PROVEN = b"Authentication-Results: mx.desk.test; dmarc=pass header.from=customer.test\r\n"
SECOND = PROVEN + letter(
    "Re: Printer on fire", sender=ADA, message_id="<2@c.test>", in_reply_to="<1@c.test>"
)

BY_LEAD = b"Authentication-Results: mx.desk.test; dmarc=pass header.from=desk.test\r\n"
COMMANDS = BY_LEAD + letter(
    "Re: Lamp",
    sender=LEAD,
    in_reply_to="<1@c.test>",
    text="Status: Done\r\n#priority low\r\nRoom: 14\r\n\r\nIt is mended.\r\n",
)
# Too large for the record, which has its beginning.
BODY = "Only for a while.\r\n"
BULK = b"Precedence: bulk\r\n" + letter("News", sender=ADA, text=BODY * 20_000)


@pytest.fixture
def configured(desk: Desk) -> Desk:
    desk.apply(CONFIGURATION)
    return desk


@pytest.mark.parametrize("point", [*STEPS, *EFFECTS])
def test_a_message_that_makes_an_issue_has_all_its_effects_once(
    configured: Desk, point: str
) -> None:
    kill_handler(configured, point, FIRST)
    configured.pipeline.wait_until_settled(mails=1)
    require_issue(configured)
    assert configured.comments("HELP-1") == []
    require_nothing_left(configured, mails=1)


@pytest.mark.parametrize("point", ["handler: published", "effect: AddComment"])
def test_a_message_that_opens_an_issue_again_has_all_its_effects_once(
    configured: Desk, point: str
) -> None:
    configured.receive("support", FIRST)
    configured.run("issues", "transition", "HELP-1", "Done")
    kill_handler(configured, point, SECOND)
    configured.pipeline.wait_until_settled(mails=2)
    require_issue(configured)
    assert len(configured.comments("HELP-1")) == 1
    statuses = [one for one in configured.issue("HELP-1")["changes"] if one["field"] == "status"]
    assert [one["after"] for one in statuses] == ["Done", "Open"]
    require_nothing_left(configured, mails=2)


@pytest.mark.parametrize("point", BOUNCE_POINTS)
def test_a_bounce_marks_its_delivery_once_and_makes_no_mail(configured: Desk, point: str) -> None:
    configured.receive("support", letter("Hello", sender=ADA))
    [confirmation] = configured.pipeline.sent()
    kill_handler(configured, point, bounce_of(confirmation.message_id, ADA))
    configured.pipeline.wait_until_settled(mails=2)
    assert configured.outcome("Undelivered Mail Returned to Sender") == ("bounced", "HELP-1")
    pipeline = configured.pipeline
    assert pipeline.rows("SELECT recipient, event FROM delivery_report") == [(ADA, "hard")]
    assert pipeline.rows("SELECT address FROM suppression") == [(ADA,)]
    assert pipeline.value("SELECT count(*) FROM comment") == 0
    # Only the people of the project are told that the issue reaches nobody any more.
    assert [one.recipients for one in pipeline.sent() if ADA in one.recipients] == [(ADA,)]


@pytest.mark.parametrize("point", COMMAND_POINTS)
def test_field_commands_are_obeyed_once(configured: Desk, point: str) -> None:
    configured.receive("support", letter("Lamp", sender=ADA, message_id="<1@c.test>"))
    kill_handler(configured, point, COMMANDS)
    configured.pipeline.wait_until_settled(mails=2)
    issue = configured.issue("HELP-1")
    assert (issue["issue"]["status"], issue["issue"]["priority_name"]) == ("Done", "Low")
    assert {one["field"]: one["value"] for one in issue["fields"]} == {"Room": "14"}
    changed = Counter(one["field"] for one in issue["changes"])
    assert changed == {"status": 1, "resolution": 1, "priority": 1, "field:Room": 1}
    assert configured.comments("HELP-1") == ["It is mended."]
    require_each_sent_once(configured)


@pytest.mark.parametrize(("point", "has_body"), BODY_POINTS.items())
def test_a_body_is_deleted_with_the_outcome(
    configured: Desk, point: str, *, has_body: bool
) -> None:
    pipeline = configured.pipeline
    kill_only(configured, point, BULK)
    body = BODY.strip().encode().hex()
    rows = (
        f"SELECT outcome, position('\\x{body}'::bytea IN parsed) > 0, blobs <> '{{}}'"
        " FROM incoming_mail"
    )
    ((outcome, *found),) = pipeline.rows(rows)
    assert (outcome, found) == (None if has_body else "deleted", [has_body, has_body])
    pipeline.start(SERVICES)
    pipeline.wait_until_settled(mails=1)
    assert pipeline.rows(rows) == [("deleted", False, False)]
    assert pipeline.value("SELECT count(*) FROM issue") == 0
    require_each_sent_once(configured)


def kill_handler(desk: Desk, point: str, mail: bytes) -> None:
    """Lets the handler handle the message until the point, and another one after that."""
    kill_only(desk, point, mail)
    desk.pipeline.start(SERVICES)


def kill_only(desk: Desk, point: str, mail: bytes) -> None:
    """Lets the handler handle the message until the point."""
    pipeline = desk.pipeline
    for replica in pipeline.replicas.pop("handler"):
        # On a busy machine it may not have begun.
        assert replica.stop() in (0, -signal.SIGTERM)
    victim = pipeline.process("victim", ["-m", "tests.processes.faulty.killed_at", point])
    victim.start()
    pipeline.dovecot.append("support", mail)
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end


def require_issue(desk: Desk) -> None:
    """Checks that the first message has made one person, and one issue with all its fields."""
    issue = desk.issue("HELP-1")
    fields = issue["issue"]
    assert (fields["priority_name"], fields["assignee"]) == ("High", LEAD)
    assert (fields["labels"], fields["components"]) == (["printer", "by-mail"], ["Printers"])
    assert {one["field"]: one["value"] for one in issue["fields"]} == {"Room": "12"}
    assert sorted(issue["watchers"]) == [ADA, LEAD]
    people = Counter(one["address"] for one in desk.asked("people", "list"))
    assert people == {ADA: 1, LEAD: 1}


def require_nothing_left(desk: Desk, mails: int) -> None:
    """Checks that there is one issue, and that all that each mail causes was sent once."""
    pipeline = desk.pipeline
    assert pipeline.value("SELECT count(*) FROM issue") == 1
    purposes = pipeline.rows("SELECT purpose FROM outgoing_mail WHERE purpose <> ''")
    # The reply is the one answer: the author gets no confirmation, and no letter to a new person.
    assert sorted(one for (one,) in purposes) == sorted(PURPOSES * mails)
    require_each_sent_once(desk)


def require_each_sent_once(desk: Desk) -> None:
    """Checks that each stored delivery was sent once, and that nothing is left over."""
    pipeline = desk.pipeline
    rows = pipeline.rows("SELECT message_id FROM delivery WHERE state = 'sent'")
    sent = [mail.message_id for mail in pipeline.sent()]
    assert sorted(sent) == sorted(message_id for (message_id,) in rows)
    assert len(set(sent)) == len(sent)
    causes = pipeline.rows("SELECT cause, issue_key FROM outgoing_mail")
    assert len(set(causes)) == len(causes)
    assert pipeline.unaccounted() == 0
    assert pipeline.records(MAIL_DEAD) == 0
