"""The notifications of an effect: their texts, and the messages that they answer."""

from __future__ import annotations

import dataclasses
from email import message_from_bytes
from email.message import Message

import pytest

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.effects.notify import Announcement, notifications_of
from postrail.notifications.compose import COMMENTED, ISSUE_CREATED
from postrail.tracker.issues import Audience, Watcher
from tests.makers.configuration import snapshot
from tests.makers.records import NOON, mail_parsed

SNAPSHOT = snapshot()
ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")
MAIL = mail_parsed(mailbox="info", message_id="<m@x>", text="Water!\n\n> It burns.\n")
AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="11111111-1111-1111-1111-111111111111",
    first_message_id="<first@x>",
    watchers=(BO,),
)
BY_MAIL = Announcement(issue_id=1, event=COMMENTED, cause="c", author=ADA, body="Water!", mail=MAIL)
BY_PERSON = dataclasses.replace(BY_MAIL, mail=None)
BY_MAIL_WITHOUT_ID = dataclasses.replace(BY_MAIL, mail=dataclasses.replace(MAIL, message_id=None))


def sent(announcement: Announcement) -> Message:
    (queued,) = notifications_of(announcement, AUDIENCE, SNAPSHOT, b"key", NOON)
    return message_from_bytes(queued.message or b"")


def test_watchers_receive_the_new_text_only() -> None:
    text = str(sent(BY_MAIL).get_payload())
    assert "Ada commented on HELP-1" in text
    assert "Water!" in text
    assert "It burns." not in text


def test_the_reporter_receives_a_confirmation() -> None:
    created = dataclasses.replace(BY_MAIL, event=ISSUE_CREATED)
    assert sent(created)["To"] == "ada@example.org"


@pytest.mark.parametrize(
    ("announcement", "in_reply_to", "references", "reply_to"),
    [
        (BY_MAIL, "<m@x>", ["<first@x>", "<m@x>"], "info@example.com"),
        (BY_MAIL_WITHOUT_ID, None, ["<first@x>"], "info@example.com"),
        (BY_PERSON, "<first@x>", ["<first@x>"], "support@example.com"),
    ],
)
def test_a_notification_stands_in_its_thread(
    announcement: Announcement, in_reply_to: str | None, references: list[str], reply_to: str
) -> None:
    message = sent(announcement)
    assert message["In-Reply-To"] == in_reply_to
    assert message["References"].split() == references
    assert message["Reply-To"] == reply_to


def test_the_same_cause_makes_the_same_message_id() -> None:
    assert sent(BY_MAIL)["Message-ID"] == sent(BY_MAIL)["Message-ID"]
    other = dataclasses.replace(BY_MAIL, cause="d")
    assert sent(other)["Message-ID"] != sent(BY_MAIL)["Message-ID"]


def test_without_an_outgoing_connection_nothing_is_sent() -> None:
    nothing = ConfigurationSnapshot()
    assert list(notifications_of(BY_MAIL, AUDIENCE, nothing, b"key", NOON)) == []
