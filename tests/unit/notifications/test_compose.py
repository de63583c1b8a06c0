"""The texts of notifications, and that the parser finds the reply above them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from postrail.notifications.compose import (
    ISSUE_RECEIVED,
    MARKER_LINE,
    beginning,
    commented,
    commented_internally,
    from_outside,
    issue_created,
)
from postrail.notifications.reply_marker import INTERNAL_MARKER
from postrail.tracker.issues import Audience, Watcher
from services.parser.reply import split_reply

AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="c",
    first_message_id=None,
    watchers=(),
)
ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")
ISSUE_CREATED = issue_created(AUDIENCE, ADA, "It burns.", 100)
COMMENTED = commented(AUDIENCE, BO, "Use water.", 100)


def test_an_internal_comment_says_that_it_is_and_that_answers_are() -> None:
    text = commented_internally(AUDIENCE, BO, "They never paid.", 100)
    assert text.startswith(f"--- {INTERNAL_MARKER} ---\n\nBo commented internally on HELP-1")
    assert "\n\nThey never paid.\n\n-- \nThis comment and all replies" in text


@pytest.mark.parametrize("text", [ISSUE_CREATED, COMMENTED])
def test_a_notification_begins_with_the_marker(text: str) -> None:
    assert text.startswith(f"{MARKER_LINE}\n\n")


def test_a_new_issue_is_confirmed_with_its_number() -> None:
    assert "Hello Ada,\n\nWe received your message; its number is HELP-1" in ISSUE_CREATED
    assert "> It burns.\n" in ISSUE_CREATED


def test_an_unproven_sender_gets_the_key_and_no_word() -> None:
    text = ISSUE_RECEIVED.text(AUDIENCE, ADA, "It burns.", 100)
    assert text == (
        f"{MARKER_LINE}\n\nHello,\n\nWe received your message; its number is HELP-1.\n\n"
        "To add anything, just reply to this email.\n"
    )
    assert ISSUE_RECEIVED.recipients(AUDIENCE, ADA, frozenset()) == [replace(ADA, name="")]
    assert ISSUE_RECEIVED.recipients(AUDIENCE, ADA, frozenset({ADA.address})) == []


def test_people_of_the_project_learn_how_to_accept_what_an_outsider_wrote() -> None:
    event = from_outside(12, internal=False)
    text = event.text(AUDIENCE, BO, "w" * 200, 100)
    bo = "bo@example.org (Bo)"
    assert text.startswith(
        f"{MARKER_LINE}\n\n{bo} commented on HELP-1: Printer on fire\n\n{bo} takes"
    )
    assert "let its author take part, run: postrail issues accept HELP-1 12\n\nwww" in text
    assert "w" * 101 not in text
    assert "This is only the beginning; HELP-1 has the whole text." in text
    internal = from_outside(12, internal=True).text(AUDIENCE, BO, "w", 100)
    assert internal.startswith(f"--- {INTERNAL_MARKER} ---\n\n")


@pytest.mark.parametrize(
    ("author", "named"),
    [
        (BO, "Bo"),
        (Watcher(address="bo@example.org", name=""), "bo@example.org"),
        (Watcher(address="", name=""), "An unknown sender"),
        (Watcher(address="m@evil.example", name="Ada <ada@example.org>"), "m@evil.example"),
    ],
)
def test_a_comment_is_reported_with_its_author(author: Watcher, named: str) -> None:
    text = commented(AUDIENCE, author, "Use water.", 100)
    assert f"{named} commented on HELP-1: Printer on fire\n\nUse water.\n" in text


@pytest.mark.parametrize("write", [issue_created, commented])
def test_a_long_text_is_cut_and_the_issue_named(
    write: Callable[[Audience, Watcher, str, int], str],
) -> None:
    text = write(AUDIENCE, BO, f"  {'a' * 100}b and more\n", 100)
    assert "a" * 100 in text
    assert "b and more" not in text
    assert "This is only the beginning; HELP-1 has the whole text." in text
    assert "only the beginning" not in write(AUDIENCE, BO, f"  {'a' * 100}\n", 100)


@pytest.mark.parametrize("write", [issue_created, commented])
@pytest.mark.parametrize(
    "body",
    ["a" * 100 + "\n" + "b" * 500, "  " + "a" * 90 + "\n" * 20 + "b" * 500, "a" * 101, "a" * 100],
)
def test_a_text_of_which_only_the_beginning_was_kept_is_cut_as_the_whole(
    write: Callable[[Audience, Watcher, str, int], str], body: str
) -> None:
    text = write(AUDIENCE, BO, body, 100)
    assert ("only the beginning" in text) is (len(body) > 100)
    assert write(AUDIENCE, BO, beginning(body, 100), 100) == text


def test_a_confirmation_quotes_little() -> None:
    assert "a" * 2001 not in issue_created(AUDIENCE, BO, "a" * 5000, 100_000)
    assert "a" * 5000 in commented(AUDIENCE, BO, "a" * 5000, 100_000)


def marked(text: str) -> str:
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize("notification", [ISSUE_CREATED, COMMENTED])
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
def test_an_answer_is_told_from_the_notification(form: str, notification: str) -> None:
    text = form.format(text=notification, marked=marked(notification))
    parts = split_reply(text, "", "Re: [HELP-1] Printer on fire")
    assert parts.new_text == "It works."
    assert "HELP-1: Printer on fire" in parts.quoted_text
