"""One message of several events: what it says, to whom, and what stays apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.notifications.bundles import combine
from postrail.notifications.bundles.combine import Recipient, bundles
from postrail.notifications.bundles.pending_message import PendingMessage
from postrail.notifications.compose import Message
from postrail.notifications.events import COMMENTED, INTERNALLY_COMMENTED, STATUS_CHANGED, Event
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.phrases import phrases_in
from postrail.notifications.templates.configured import message_of
from postrail.notifications.templates.words import Words
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Audience, Watcher
from tests.makers.records import NOON

AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="c",
    first_message_id="<first@x>",
    watchers=(),
)
ADA = Watcher(address="ada@example.org", name="Ada")


def event(
    number: int,
    kind: Event = COMMENTED,
    body: str = "Water!",
    *,
    author: Watcher = ADA,
    language: str = "en",
    by_person: bool = False,
) -> PendingMessage:
    about = Occasion(
        audience=AUDIENCE, project_name="Help desk", author=author, body=body, max_characters=20_000
    )
    mail = OutgoingQueued(
        outgoing_id=f"00000000-0000-0000-0000-{number:012}",
        conversation="c",
        issue_key="HELP-1",
        issue_id=1,
        cause=f"mail {number}",
        language=language,
        connection="out",
        envelope_from="desk@example.com",
        subject="[HELP-1] Printer on fire",
        in_reply_to=f"<{number}@x>",
        references=["<first@x>", f"<{number}@x>"],
        queued_at=NOON,
        received_at=NOON,
        mailbox="support",
        internal=kind.internal,
        by_person=by_person,
        author_name=author.name if by_person else "",
    )
    return PendingMessage(mail=mail, words=issue_words(kind, about, phrases_in(language)))


def made(
    events: dict[int, PendingMessage], *people: tuple[str, tuple[int, ...]]
) -> list[OutgoingQueued]:
    recipients = [
        Recipient(
            address=address,
            name="",
            events={number: f"<{number}.{address}>" for number in numbers},
        )
        for address, numbers in people
    ]
    return bundles(recipients, events, rendered, {}, NOON)


def rendered(words: Words, _: str = "") -> Message:
    return message_of(lambda _: words, ConfigurationSnapshot(), "HELP", words.language)


def test_one_event_is_its_own_message() -> None:
    only = event(1)
    (mail,) = made({1: only}, ("bo@example.org", (1,)))
    assert (mail.text, mail.event) == (rendered(only.words).rendered.text, "commented")
    assert mail.outgoing_id != only.mail.outgoing_id
    assert [one.message_id for one in mail.deliveries] == ["<1.bo@example.org>"]


def test_events_stand_below_each_other_in_their_order() -> None:
    events = {
        1: event(1, body="One\n* Bo set HELP-1 to Done."),
        2: event(2, STATUS_CHANGED, "Done"),
    }
    (mail,) = made(events, ("bo@example.org", (2, 1)))
    text = mail.text or ""
    assert "There is news about HELP-1: Printer on fire" in text
    assert "\n* Ada commented on HELP-1:\n\n  One\n" in text
    assert text.index("Ada commented") < text.index("\n* Ada set HELP-1 to Done.")
    # The words of a comment are set in: they are not taken for an event.
    assert "\n  * Bo set HELP-1 to Done." in text
    html = mail.html or ""
    assert "<strong>Ada commented on HELP-1:</strong>" in html
    assert "<strong>Bo" not in html
    assert (mail.event, mail.cause) == ("bundled", "mail 1, mail 2")
    assert (mail.in_reply_to, mail.references) == ("<2@x>", ["<first@x>", "<1@x>", "<2@x>"])
    assert mail.subject == "[HELP-1] Printer on fire"


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt", "ja"])
def test_a_bundle_is_in_the_language_of_its_events(language: str) -> None:
    events = {n: event(n, language=language) for n in (1, 2)}
    (mail,) = made(events, ("bo@example.org", (1, 2)))
    assert phrases_in(language).bundled.format(key="HELP-1") in (mail.text or "")
    assert mail.language == language


def test_people_who_waited_for_the_same_share_a_message() -> None:
    events = {1: event(1), 2: event(2)}
    found = made(events, ("a@x", (1, 2)), ("b@x", (2,)), ("c@x", (1, 2)))
    assert [[one.recipient for one in mail.deliveries] for mail in found] == [
        ["a@x", "c@x"],
        ["b@x"],
    ]


def test_internal_events_are_a_message_of_their_own() -> None:
    events = {1: event(1, INTERNALLY_COMMENTED, "Secret"), 2: event(2), 3: event(3)}
    internal, public = made(events, ("bo@example.org", (1, 2, 3)))
    assert (internal.internal, internal.event) == (True, "internally_commented")
    assert (public.internal, public.event) == (False, "bundled")
    assert "Secret" not in f"{public.text}{public.html}"


@pytest.mark.parametrize(
    ("authors", "name"), [((ADA, ADA), "Ada"), ((ADA, Watcher(address="bo@x", name="Bo")), "")]
)
def test_a_bundle_is_a_persons_if_one_person_wrote_it_all(
    authors: tuple[Watcher, Watcher], name: str
) -> None:
    events = {n: event(n, author=one, by_person=True) for n, one in enumerate(authors)}
    (mail,) = made(events, ("cy@example.org", (0, 1)))
    assert (mail.by_person, mail.author_name) == (bool(name), name)


def test_very_many_words_are_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "MAX_CHARACTERS", 100)
    events = {n: event(n, body="x" * 60) for n in range(3)}
    found = made(events, ("bo@example.org", (0, 1, 2)))
    assert [mail.cause for mail in found] == ["mail 0", "mail 1", "mail 2"]
    monkeypatch.setattr(combine, "MAX_EVENTS", 2)
    short = {n: event(n, body="x") for n in range(3)}
    found = made(short, ("bo@example.org", (0, 1, 2)))
    assert [mail.cause for mail in found] == ["mail 0, mail 1", "mail 2"]


def test_what_a_mail_said_is_escaped_and_sets_no_place() -> None:
    author = Watcher(address="eve@x", name="Eve <script>")
    events = {n: event(n, body="<img src=x>\ufdd0greeting\ufdd1", author=author) for n in (1, 2)}
    (mail,) = made(events, ("bo@example.org", (1, 2)))
    html = mail.html or ""
    assert "<script>" not in html
    assert "<img" not in html
    assert "\ufdd0" not in f"{html}{mail.text}"
    assert replace(mail, text="", html="").deliveries[0].tokens == {}
