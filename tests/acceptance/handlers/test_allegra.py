"""Allegra's email submissions: a default workspace, numbers of items, domains, off and on again."""

from __future__ import annotations

import pytest

from tests.acceptance.handlers.desk import Desk
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

MAILBOX = "allegra@desk.test"
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
"""


def configuration(*, enabled: bool) -> str:
    """Returns the file with email submissions on or off."""
    return CONFIGURATION.replace("ENABLED", str(enabled).lower())


def test_submissions_become_items_and_comments(desk: Desk) -> None:
    desk.apply(configuration(enabled=True))
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

    desk.apply(configuration(enabled=True))
    desk.run("mail", "release", mail["mail_id"])
    desk.wait_for_outcome("Is anybody there?", "issue")
    assert desk.outcome("Is anybody there?") == ("issue", "INBOX-1")
