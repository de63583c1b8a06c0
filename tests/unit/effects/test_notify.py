"""The notifications of an effect: their texts, and the messages that they answer."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping

import pytest

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.effects.notify import Announcement, Heard, NotificationOptions, messages_of
from postrail.notifications.compose import NAMESPACE
from postrail.notifications.events import COMMENTED, ISSUE_CREATED
from postrail.notifications.issue_token import token_for
from postrail.notifications.mime.message_ids import message_id_for
from postrail.people import Reader
from postrail.records import OutgoingQueued
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


STRANGERS: Mapping[str, str] = {}
OPTIONS = NotificationOptions(snapshot=SNAPSHOT, message_id_key=b"key", excerpt_max_characters=1000)


def queued(
    announcement: Announcement,
    audience: Audience = AUDIENCE,
    reach: Mapping[str, str] = STRANGERS,
) -> OutgoingQueued:
    (found,) = messages_of(heard(announcement, audience), OPTIONS, readers(reach), NOON)
    return found.mail


def heard(announcement: Announcement, audience: Audience) -> Heard:
    return Heard(announcement=announcement, audience=audience)


def readers(reach: Mapping[str, str]) -> dict[str, Reader]:
    return {address: Reader(address=mail) for address, mail in reach.items()}


def test_watchers_receive_the_new_text_only() -> None:
    text = queued(BY_MAIL).text or ""
    assert "Ada commented on HELP-1" in text
    assert "Water!" in text
    assert "It burns." not in text


def test_the_reporter_receives_a_confirmation() -> None:
    created = dataclasses.replace(BY_MAIL, event=ISSUE_CREATED)
    (delivery,) = queued(created).deliveries
    assert (delivery.recipient, delivery.name) == ("ada@example.org", "Ada")


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
    message = queued(announcement)
    assert message.in_reply_to == in_reply_to
    assert message.references == references
    assert message.reply_to == reply_to


def test_the_same_cause_makes_the_same_ids() -> None:
    assert queued(BY_MAIL) == queued(BY_MAIL)
    other = queued(dataclasses.replace(BY_MAIL, cause="d"))
    assert other.outgoing_id != queued(BY_MAIL).outgoing_id
    assert other.deliveries[0].message_id != queued(BY_MAIL).deliveries[0].message_id


@pytest.mark.parametrize("internal", [False, True])
def test_a_message_id_is_of_its_recipient_and_names_the_issue(internal: bool) -> None:
    told = dataclasses.replace(BY_MAIL, internal=internal)
    (delivery,) = queued(told).deliveries
    own_id = str(uuid.uuid5(NAMESPACE, "c to bo@example.org"))
    token = token_for(b"key", AUDIENCE.issue_id, AUDIENCE.conversation, internal=internal)
    assert delivery.message_id == message_id_for(b"key", own_id, "example.com", token)
    assert str(token) in delivery.message_id


@pytest.mark.parametrize(
    ("addresses", "mailbox", "reply_to"),
    [
        ([], "info", "info@example.com"),
        (["support"], "info", "info@example.com"),
        (["info"], "info", "info+TOKEN@example.com"),
        (["support"], None, "support+TOKEN@example.com"),
    ],
)
def test_answers_go_to_an_address_that_names_the_issue_where_the_account_says_so(
    addresses: list[str], mailbox: str | None, reply_to: str
) -> None:
    accounts = {
        name: account.model_copy(update={"plus_addresses": name in addresses})
        for name, account in snapshot().accounts.items()
    }
    options = dataclasses.replace(
        OPTIONS, snapshot=dataclasses.replace(SNAPSHOT, accounts=accounts)
    )
    told = BY_MAIL if mailbox else BY_PERSON
    (found,) = messages_of(heard(told, AUDIENCE), options, {}, NOON)
    token = token_for(b"key", AUDIENCE.issue_id, AUDIENCE.conversation, internal=False)
    assert found.mail.reply_to == reply_to.replace("TOKEN", str(token))


def test_recipients_share_the_message_and_have_message_ids_of_their_own() -> None:
    cy = Watcher(address="cy@example.org", name="C" * 5000)
    found = queued(BY_MAIL, dataclasses.replace(AUDIENCE, watchers=(BO, ADA, cy)))
    # Not the author.
    assert [one.recipient for one in found.deliveries] == [BO.address, cy.address]
    assert [one.name for one in found.deliveries] == ["Bo", "C" * 200]
    assert len({one.message_id for one in found.deliveries}) == 2


def test_a_person_is_notified_once_at_the_address_for_mail() -> None:
    watchers = (BO, Watcher(address="bo@home.example", name="Bo at home"), ADA)
    reach = {"bo@example.org": "bo@work.example", "bo@home.example": "bo@work.example"}
    found = queued(BY_MAIL, dataclasses.replace(AUDIENCE, watchers=watchers), reach)
    assert [one.recipient for one in found.deliveries] == ["bo@work.example"]


def test_an_author_is_not_notified_at_another_address() -> None:
    at_home = Watcher(address="ada@home.example", name="Ada")
    reach = {"ada@example.org": "ada@example.org", "ada@home.example": "ada@example.org"}
    found = queued(BY_MAIL, dataclasses.replace(AUDIENCE, watchers=(at_home, BO)), reach)
    assert [one.recipient for one in found.deliveries] == [BO.address]


def test_an_inactive_person_and_our_own_address_get_nothing() -> None:
    gone = {"bo@example.org": ""}
    assert messages_of(heard(BY_MAIL, AUDIENCE), OPTIONS, readers(gone), NOON) == []
    # The text names the author, who gets no confirmation.
    left = {"ada@example.org": ""}
    assert "Ada commented" in (queued(BY_MAIL, reach=left).text or "")
    created = dataclasses.replace(BY_MAIL, event=ISSUE_CREATED)
    assert messages_of(heard(created, AUDIENCE), OPTIONS, readers(left), NOON) == []
    ours = {"bo@example.org": "info@example.com"}
    assert messages_of(heard(BY_MAIL, AUDIENCE), OPTIONS, readers(ours), NOON) == []


def test_ids_that_no_header_field_can_hold_are_left_out() -> None:
    endless = dataclasses.replace(MAIL, message_id=f"<{'m' * 500_000}@x>")
    found = queued(dataclasses.replace(BY_MAIL, mail=endless))
    assert (found.in_reply_to, found.references) == (None, ["<first@x>"])


def test_without_recipients_or_an_outgoing_connection_nothing_is_sent() -> None:
    nothing = dataclasses.replace(OPTIONS, snapshot=ConfigurationSnapshot())
    assert messages_of(heard(BY_MAIL, AUDIENCE), nothing, {}, NOON) == []
    alone = dataclasses.replace(AUDIENCE, watchers=(ADA,))
    assert messages_of(heard(BY_MAIL, alone), OPTIONS, {}, NOON) == []


def test_no_extension_of_our_own_addresses_is_told() -> None:
    own = Watcher(address="support+1@example.com", name="")
    created = dataclasses.replace(BY_MAIL, event=ISSUE_CREATED, author=own)
    audience = dataclasses.replace(AUDIENCE, watchers=(own,))
    assert messages_of(heard(created, audience), OPTIONS, {}, NOON) == []
    assert messages_of(heard(BY_MAIL, audience), OPTIONS, {}, NOON) == []
