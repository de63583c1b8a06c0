"""The texts of notifications, and that the parser finds the reply above them."""

from __future__ import annotations

import pytest

from postrail.notifications.compose import MARKER_LINE, commented, issue_created
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
ISSUE_CREATED = issue_created(AUDIENCE, ADA, ADA, "It burns.")
COMMENTED = commented(AUDIENCE, BO, ADA, "Use water.")


@pytest.mark.parametrize("text", [ISSUE_CREATED, COMMENTED])
def test_a_notification_begins_with_the_marker(text: str) -> None:
    assert text.startswith(f"{MARKER_LINE}\n\n")


def test_a_new_issue_is_confirmed_with_its_number() -> None:
    assert "Hello Ada,\n\nWe received your message; its number is HELP-1" in ISSUE_CREATED
    assert "> It burns.\n" in ISSUE_CREATED


@pytest.mark.parametrize(
    ("author", "named"),
    [
        (BO, "Bo"),
        (Watcher(address="bo@example.org", name=""), "bo@example.org"),
        (Watcher(address="", name=""), "An unknown sender"),
    ],
)
def test_a_comment_is_reported_with_its_author(author: Watcher, named: str) -> None:
    text = commented(AUDIENCE, author, ADA, "Use water.")
    assert f"{named} commented on HELP-1: Printer on fire\n\nUse water.\n" in text


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
