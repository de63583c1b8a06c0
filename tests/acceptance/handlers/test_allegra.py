"""Allegra's email submissions: a default workspace, numbers of items, domains, off and on again."""

from __future__ import annotations

from email.message import Message

import pytest

from tests.acceptance.handlers.desk import Desk, attached
from tests.processes.faulty.failing_parser import FAULT, FIELD
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

MAILBOX = "allegra@desk.test"
FORWARD = "postmaster@elsewhere.test"
ADA, BEN = "ada@bosch.test", "ben@sales.bosch.test"
# The workspace INBOX takes what arrives; people of two domains may write without being known.
CONFIGURATION = """
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: allegra@desk.test, is_default: true}
projects:
  - {key: INBOX, name: Catch all, lead: lead@desk.test}
people:
  - {address: lead@desk.test, name: Lead}
  - {address: kim@elsewhere.test, name: Kim}
accounts:
  - name: allegra
    host: 127.0.0.1
    port: IMAP_PORT
    encryption: none
    username: allegra
    password: secret
    address: allegra@desk.test
    project: INBOX
    # Leave messages on the server.
    after_download: leave
handlers:
  - name: submissions
    description: Email submissions
    enabled: ENABLED
    accounts: [allegra]
    kind: create_or_comment
    bare_numbers: true
    allowed_senders: ['[^@]@([a-z]+\\.)?bosch\\.test$', '[^@]@computer\\.test$']
    forward_address: postmaster@elsewhere.test
    forward_unhandled: FORWARDED
"""


def configuration(*, enabled: bool = True, forwarded: bool = False) -> str:
    """Returns the file with email submissions, and forwards of what nobody takes, on or off."""
    text = CONFIGURATION.replace("ENABLED", str(enabled).lower())
    return text.replace("FORWARDED", str(forwarded).lower())


def test_submissions_become_items_and_comments(desk: Desk) -> None:
    desk.apply(configuration())
    desk.receive("allegra", letter("The drill is dull", sender=ADA, to=MAILBOX))
    assert desk.outcome("The drill is dull") == ("issue", "INBOX-1")
    assert desk.issue("INBOX-1")["issue"]["reporter"] == ADA

    # A number that is an item's; one that is none; and one by somebody without part in the item.
    desk.receive(
        "allegra",
        letter("Item [1]", sender=ADA, to=MAILBOX, text="It is sharp again.\r\n"),
        letter("Order 4711", sender=BEN, to=MAILBOX),
        letter("About #1", sender="eve@computer.test", to=MAILBOX),
    )
    assert desk.outcome("Item [1]") == ("comment", "INBOX-1")
    assert desk.comments("INBOX-1") == ["It is sharp again."]
    assert desk.outcome("Order 4711") == ("issue", "INBOX-2")
    assert desk.outcome("About #1") == ("issue", "INBOX-3")
    assert [link["issue_key"] for link in desk.issue("INBOX-3")["links"]] == ["INBOX-1"]

    # Domains are asked of unknown senders only.
    desk.receive(
        "allegra",
        letter("Buy now", sender="mal@bosch.test.evil.test", to=MAILBOX),
        letter("I am known", sender="kim@elsewhere.test", to=MAILBOX),
    )
    assert desk.outcome("Buy now") == ("ignored", None)
    assert "allowed_senders" in desk.mail("Buy now")["reason"]
    assert desk.outcome("I am known") == ("issue", "INBOX-4")
    # All of them are still in the mailbox, and none is marked as seen.
    assert desk.pipeline.seen("allegra") == (0, 6)


def test_submissions_are_off_and_what_came_meanwhile_is_released(desk: Desk) -> None:
    desk.apply(configuration(enabled=False))
    desk.receive("allegra", letter("Is anybody there?", sender=ADA, to=MAILBOX))
    mail = desk.mail("Is anybody there?")
    assert (mail["outcome"], mail["issue_key"]) == ("ignored", None)
    assert "submissions are off" in mail["reason"]

    desk.apply(configuration())
    desk.run("mail", "release", mail["mail_id"])
    desk.wait_for_outcome("Is anybody there?", "issue")
    assert desk.outcome("Is anybody there?") == ("issue", "INBOX-1")


def test_errors_and_unhandled_messages_are_forwarded_as_they_are(desk: Desk) -> None:
    desk.apply(configuration(forwarded=True))
    assert desk.pipeline.replica("parser").stop() == 0
    desk.pipeline.start_as("parser", ["-m", "tests.processes.faulty.failing_parser"])
    refused = letter("Buy now", sender="mal@evil.test", to=MAILBOX)
    broken = FIELD + b"\r\n" + letter("Broken", sender=ADA, to=MAILBOX)
    desk.receive("allegra", refused, broken, letter("Dull", sender=ADA, to=MAILBOX))
    assert desk.outcome("Buy now") == ("forwarded", None)
    assert desk.outcome("Dull") == ("issue", "INBOX-1")
    # It stays failed, so that it can be retried.
    assert desk.outcome("Broken") == ("failed", None)
    forwards = [one.message for one in desk.pipeline.sent() if FORWARD in one.recipients]
    assert [attached(one) for one in forwards] == [refused, broken]
    assert "allowed_senders do not match mal@evil.test" in explained(forwards[0])
    assert FAULT in explained(forwards[1])


def explained(forward: Message) -> str:
    """Returns the text of a forward, in one line."""
    text = next(part for part in forward.walk() if part.get_content_type() == "text/plain")
    content = text.get_payload(decode=True)
    assert isinstance(content, bytes)
    return " ".join(content.decode().split())
