"""The texts of notifications of changed issues, and whom they reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.notifications.changes import (
    STATUS_CHANGED,
    assigned_to,
    created_for,
    new_for,
)
from postrail.notifications.compose import MARKER_LINE, Event
from postrail.tracker.issues import Audience, Watcher
from services.parser.reply import split_reply

ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")
AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="c",
    first_message_id=None,
    watchers=(ADA, BO),
)
EVENTS = [
    (assigned_to(ADA.address), "It burns.", "Bo assigned HELP-1 to you: ", "It burns.\n\n-- \n"),
    (new_for(ADA.address), "", "Bo opened HELP-1, which is assigned to you: ", "fire\n\n-- \n"),
    (created_for(ADA.address), "It burns.", "Bo opened HELP-1 for you: ", "It burns.\n\n-- \n"),
    (STATUS_CHANGED, "Done (Fixed)", "Bo set HELP-1 to Done (Fixed): ", "fire\n\n-- \n"),
]


@pytest.mark.parametrize(("event", "body", "did", "end"), EVENTS)
def test_a_text_says_what_was_done_to_which_issue(
    event: Event, body: str, did: str, end: str
) -> None:
    text = event.text(AUDIENCE, BO, body, 100)
    assert text.startswith(f"{MARKER_LINE}\n\n{did}Printer on fire\n\n")
    assert end in text


@pytest.mark.parametrize(("event", "body"), [case[:2] for case in EVENTS])
def test_the_author_and_our_addresses_are_not_notified(event: Event, body: str) -> None:
    assert event.recipients(AUDIENCE, BO, frozenset()) == [ADA]
    assert event.recipients(AUDIENCE, BO, frozenset({ADA.address})) == []
    assert ADA not in event.recipients(AUDIENCE, ADA, frozenset())
    assert event.recipients(replace(AUDIENCE, watchers=()), BO, frozenset()) == []


def test_only_the_person_of_the_event_is_notified() -> None:
    stranger = Watcher(address="x@example.net", name="")
    assert assigned_to(ADA.address).recipients(AUDIENCE, stranger, frozenset()) == [ADA]
    assert STATUS_CHANGED.recipients(AUDIENCE, stranger, frozenset()) == [ADA, BO]


def test_a_long_description_is_cut() -> None:
    text = assigned_to(ADA.address).text(AUDIENCE, BO, "a" * 101, 100)
    assert "a" * 100 in text
    assert "a" * 101 not in text
    assert "HELP-1 has the whole text." in text


@pytest.mark.parametrize(("event", "body"), [case[:2] for case in EVENTS])
def test_a_reply_is_told_from_the_notification(event: Event, body: str) -> None:
    text = event.text(AUDIENCE, BO, body, 100)
    reply = split_reply(f"Thank you.\n\n{text}", "", "Re: [HELP-1] Printer on fire")
    assert reply.new_text == "Thank you."
