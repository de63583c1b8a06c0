"""The texts of notifications, and that the parser finds the reply above them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.notifications.events import (
    COMMENTED,
    INTERNALLY_COMMENTED,
    ISSUE_CREATED,
    ISSUE_RECEIVED,
    STATUS_CHANGED,
    Event,
    assigned_to,
    created_for,
    from_outside,
    mentioning,
    new_for,
)
from postrail.notifications.issue_words import beginning
from postrail.notifications.phrases import LANGUAGES
from postrail.notifications.reply_marker import quotes_internal
from postrail.tracker.issues import Watcher
from services.parser.reply import split_reply
from tests.unit.notifications.written import ADA, AUDIENCE, BO, written

MARKER = "--- Please reply above this line ---\n\n"
INTERNAL = "--- Internal: please reply above this line ---\n\n"
MENTIONED = mentioning(COMMENTED, frozenset({ADA.address}))
EVENTS = [
    ISSUE_CREATED,
    ISSUE_RECEIVED,
    COMMENTED,
    INTERNALLY_COMMENTED,
    from_outside(12, internal=False),
    from_outside(12, internal=True),
    MENTIONED,
    assigned_to(ADA.address),
    new_for(ADA.address),
    created_for(ADA.address),
    STATUS_CHANGED,
]


def marked(text: str) -> str:
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        (
            ISSUE_CREATED,
            "It burns.",
            f"{MARKER}\ufdd0greeting\ufdd1\n\n"
            "We received your message; its number is HELP-1: Printer on fire\n\n"
            "You wrote:\n\n> It burns.\n\n-- \nTo add anything, just reply to this email.\n"
            "You get this email because you wrote to us.\n"
            "To get no more emails about HELP-1, reply and ask us.\n",
        ),
        # an unproven sender gets the key and no word
        (
            ISSUE_RECEIVED,
            "It burns.",
            f"{MARKER}\ufdd0greeting\ufdd1\n\n"
            "We received your message; its number is HELP-1.\n\n"
            "-- \nTo add anything, just reply to this email.\n"
            "You get this email because you wrote to us.\n"
            "To get no more emails about HELP-1, reply and ask us.\n",
        ),
        (
            COMMENTED,
            "Use water.",
            f"{MARKER}Bo commented on HELP-1: Printer on fire\n\nUse water.\n\n"
            "-- \nTo add anything, just reply to this email.\n"
            "You get this email because you watch HELP-1.\n"
            "To get no more emails about HELP-1, reply and ask us.\n",
        ),
        (
            STATUS_CHANGED,
            "Done (Fixed)",
            f"{MARKER}Bo set HELP-1 to Done (Fixed): Printer on fire\n\n"
            "-- \nTo add anything, just reply to this email.\n"
            "You get this email because you watch HELP-1.\n"
            "To get no more emails about HELP-1, reply and ask us.\n",
        ),
    ],
)
def test_a_text_says_what_happened_then_the_words_then_why(
    event: Event, body: str, expected: str
) -> None:
    assert written(event, body).text == expected


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (INTERNALLY_COMMENTED, f"{INTERNAL}Bo commented internally on HELP-1: Printer on fire\n"),
        (MENTIONED, f"{MARKER}Bo mentioned you in HELP-1: Printer on fire\n"),
        (assigned_to(ADA.address), f"{MARKER}Bo assigned HELP-1 to you: Printer on fire\n"),
        (new_for(ADA.address), f"{MARKER}Bo opened HELP-1, which is assigned to you: Printer"),
        (created_for(ADA.address), f"{MARKER}Bo opened HELP-1 for you: Printer on fire\n"),
    ],
)
def test_a_text_begins_with_the_marker_and_what_was_done(event: Event, sentence: str) -> None:
    assert written(event, "Use water.").text.startswith(sentence)


@pytest.mark.parametrize("event", EVENTS)
def test_html_says_what_the_text_says(event: Event) -> None:
    made = written(event, "Use water.")
    for line in made.text.splitlines():
        words = line.removeprefix("> ").strip()
        assert words == "--" or words.partition(": ")[0] in made.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_reply_is_told_from_the_notification_in_each_language(
    event: Event, language: str
) -> None:
    text = written(event, "Use water.", language=language).text
    for quoted in (text, marked(text)):
        reply = split_reply(f"Thank you.\n\n{quoted}", "", "Re: [HELP-1] Printer on fire")
        assert reply.new_text == "Thank you."
    assert quotes_internal(f"Thank you.\n\n{marked(text)}") is event.internal


def test_people_of_the_project_learn_how_to_accept_what_an_outsider_wrote() -> None:
    text = written(from_outside(12, internal=False), "w" * 200).text
    bo = "bo@example.org (Bo)"
    assert text.startswith(f"{MARKER}{bo} commented on HELP-1: Printer on fire\n\n{bo} takes")
    assert "let its author take part, run: postrail issues accept HELP-1 12\n\nwww" in text
    assert "w" * 101 not in text
    assert "This is only the beginning; HELP-1 has the whole text." in text


@pytest.mark.parametrize(
    ("author", "named"),
    [
        (BO, "Bo"),
        (Watcher(address="bo@example.org", name=""), "bo@example.org"),
        (Watcher(address="", name=""), "An unknown sender"),
        (Watcher(address="m@evil.example", name="Ada <ada@example.org>"), "m@evil.example"),
        (Watcher(address="m@evil.example", name="A\nB"), "A B"),
    ],
)
def test_a_comment_is_reported_with_its_author(author: Watcher, named: str) -> None:
    text = written(COMMENTED, "Use water.", author=author).text
    assert f"{named} commented on HELP-1: Printer on fire\n\nUse water.\n" in text


@pytest.mark.parametrize("event", [ISSUE_CREATED, COMMENTED, assigned_to(ADA.address)])
def test_a_long_text_is_cut_and_the_issue_named(event: Event) -> None:
    text = written(event, f"  {'a' * 100}b and more\n").text
    assert "a" * 100 in text
    assert "b and more" not in text
    assert "This is only the beginning; HELP-1 has the whole text." in text
    assert "only the beginning" not in written(event, f"  {'a' * 100}\n").text


@pytest.mark.parametrize("event", [ISSUE_CREATED, COMMENTED])
@pytest.mark.parametrize(
    "body",
    ["a" * 100 + "\n" + "b" * 500, "  " + "a" * 90 + "\n" * 20 + "b" * 500, "a" * 101, "a" * 100],
)
def test_a_text_of_which_only_the_beginning_was_kept_is_cut_as_the_whole(
    event: Event, body: str
) -> None:
    text = written(event, body).text
    assert ("only the beginning" in text) is (len(body) > 100)
    assert written(event, beginning(body, 100)).text == text


def test_a_confirmation_quotes_little() -> None:
    most: dict[str, Any] = {"max_characters": 100_000}
    assert "a" * 2001 not in written(ISSUE_CREATED, "a" * 5000, **most).text
    assert "a" * 5000 in written(COMMENTED, "a" * 5000, **most).text


@pytest.mark.parametrize("event", [ISSUE_CREATED, COMMENTED])
@pytest.mark.parametrize(
    "form",
    [
        # a mail program that marks what it quotes, with a line above that says whom
        "It works.\n\nOn Thu, 1 Jan 2026 at 12:00, Help <help@example.org> wrote:\n{marked}",
        # the answer below what it quotes
        "On Thu, 1 Jan 2026 at 12:00, Help <help@example.org> wrote:\n{marked}\nIt works.",
        # a header block
        "It works.\n\nFrom: Help\nSent: Monday\nTo: Ada\nSubject: [HELP-1]\n\n{text}",
        # a line that no table knows
        "It works.\n\nHelp help@example.org dixit:\n\n{text}",
        # nothing but the marker
        "It works.\n\n{text}",
    ],
)
def test_an_answer_is_told_from_the_notification(form: str, event: Event) -> None:
    notification = written(event, "Use water.").text
    text = form.format(text=notification, marked=marked(notification))
    parts = split_reply(text, "", "Re: [HELP-1] Printer on fire")
    assert parts.new_text == "It works."
    assert "HELP-1: Printer on fire" in parts.quoted_text


@pytest.mark.parametrize(
    "event", [assigned_to(ADA.address), new_for(ADA.address), created_for(ADA.address)]
)
def test_the_author_and_our_addresses_are_not_notified(event: Event) -> None:
    assert event.recipients(AUDIENCE, BO, frozenset()) == [ADA]
    assert event.recipients(AUDIENCE, BO, frozenset({ADA.address})) == []
    assert ADA not in event.recipients(AUDIENCE, ADA, frozenset())
    assert event.recipients(replace(AUDIENCE, watchers=()), BO, frozenset()) == []


def test_only_the_person_of_the_event_is_notified() -> None:
    stranger = Watcher(address="x@example.net", name="")
    assert assigned_to(ADA.address).recipients(AUDIENCE, stranger, frozenset()) == [ADA]
    assert STATUS_CHANGED.recipients(AUDIENCE, stranger, frozenset()) == [ADA, BO]


def test_a_neutral_confirmation_names_nobody() -> None:
    assert ISSUE_RECEIVED.recipients(AUDIENCE, ADA, frozenset()) == [replace(ADA, name="")]
    assert ISSUE_RECEIVED.recipients(AUDIENCE, ADA, frozenset({ADA.address})) == []
    made = written(ISSUE_RECEIVED, "It burns.", author=ADA)
    for words in ("Ada", "burns", "Printer"):
        assert words not in f"{made.subject}{made.text}{made.html}"
