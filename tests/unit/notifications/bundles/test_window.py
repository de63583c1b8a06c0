"""Which events go to whom at once, and until when the others wait: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postrail.notifications.bundles.pending_message import PendingMessage, from_json, to_json
from postrail.notifications.bundles.window import divided
from postrail.notifications.templates.words import Words
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.rendering.events import MessageEvent
from tests.makers.records import NOON

WINDOW = timedelta(seconds=60)
ANN, BO = "ann@example.org", "Bo@Example.org"


def message(*recipients: str, number: int = 0, automatic: bool = False) -> PendingMessage:
    mail = OutgoingQueued(
        outgoing_id=f"00000000-0000-0000-0000-{number:012}",
        conversation="c",
        issue_key="HELP-1",
        issue_id=1,
        cause=f"mail {number}",
        connection="out",
        envelope_from="desk@example.com",
        subject="[HELP-1] Fire",
        queued_at=NOON,
        received_at=NOON,
        mailbox="support",
        automatic=automatic,
        text="It burns.",
        deliveries=[
            OutgoingDelivery(recipient=one, name="", message_id=f"<{number}.{one}>")
            for one in recipients
        ],
    )
    words = Words(
        event=MessageEvent.COMMENTED, language="en", subject="[HELP-1] Fire\0", body="日本"
    )
    return PendingMessage(mail=mail, words=words)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("told", "waiting", "window", "now", "due"),
    [
        # The first event, and one after the window.
        ({}, {}, WINDOW, 0, None),
        ({ANN: 0}, {}, WINDOW, 1, 60),
        ({ANN: 0}, {}, WINDOW, 59, 60),
        ({ANN: 0}, {}, WINDOW, 60, None),
        # What follows an event that waits, waits with it: also if that is late.
        ({ANN: 0}, {ANN: 60}, WINDOW, 59, 60),
        ({}, {ANN: 60}, WINDOW, 90, 60),
        # Others, and other issues, do not count.
        ({BO: 0}, {BO: 60}, WINDOW, 1, None),
        # Without a window only the order is kept.
        ({ANN: 0}, {}, timedelta(), 1, None),
        ({ANN: 0}, {ANN: 60}, timedelta(), 1, 60),
    ],
)
def test_an_event_waits_until_the_window_ends(
    told: dict[str, float],
    waiting: dict[str, float],
    window: timedelta,
    now: float,
    due: float | None,
) -> None:
    found = divided(
        [message(ANN)],
        {(1, one.lower()): at(seconds) for one, seconds in told.items()},
        {(1, one.lower()): at(seconds) for one, seconds in waiting.items()},
        {1: window},
        at(now),
    )
    assert [one.due_at for one in found.postponed] == ([] if due is None else [at(due)])
    assert len(found.at_once) == (due is None)


def test_recipients_are_divided_each_by_their_own_time() -> None:
    told = {(1, ANN): at(0), (1, "cy@example.org"): at(10)}
    found = divided([message(ANN, BO, "cy@example.org")], told, {}, {1: WINDOW}, at(20))
    assert [[one.recipient for one in mail.deliveries] for mail in found.at_once] == [[BO]]
    assert [
        (one.due_at, [own.recipient for own in one.message.mail.deliveries])
        for one in found.postponed
    ] == [(at(60), [ANN]), (at(70), ["cy@example.org"])]


def test_the_second_event_of_one_transaction_waits() -> None:
    found = divided([message(BO), message(BO, number=1)], {}, {}, {1: WINDOW}, at(0))
    assert [mail.cause for mail in found.at_once] == ["mail 0"]
    assert [(one.message.mail.cause, one.due_at) for one in found.postponed] == [("mail 1", at(60))]


def test_those_who_are_told_once_a_day_wait_for_their_digest() -> None:
    messages = [message(ANN, BO), message(ANN, BO, number=1), message(ANN, automatic=True)]
    digest = at(3600)
    found = divided(messages, {}, {}, {1: WINDOW}, at(0), {(1, ANN): digest})
    assert [[one.recipient for one in mail.deliveries] for mail in found.at_once] == [[BO], [ANN]]
    assert [
        (one.due_at, one.digest, [own.recipient for own in one.message.mail.deliveries])
        for one in found.postponed
    ] == [(digest, True, [ANN]), (digest, True, [ANN]), (at(60), False, [BO])]


@pytest.mark.parametrize("event", [MessageEvent.MENTIONED, MessageEvent.ASSIGNED])
def test_what_asks_something_of_a_person_waits_for_no_digest(event: MessageEvent) -> None:
    asking = message(ANN)
    asking = replace(asking, mail=replace(asking.mail, event=event))
    daily = {(1, ANN): at(3600)}
    assert len(divided([asking], {}, {}, {1: WINDOW}, at(0), daily).at_once) == 1
    (waits,) = divided([asking], {(1, ANN): at(0)}, {}, {1: WINDOW}, at(1), daily).postponed
    assert (waits.due_at, waits.digest) == (at(60), False)


def test_an_answer_goes_at_once_and_counts_as_the_first() -> None:
    found = divided([message(ANN, automatic=True), message(ANN)], {}, {}, {1: WINDOW}, at(0))
    assert len(found.at_once) == len(found.postponed) == 1
    again = divided([message(ANN, automatic=True)], {(1, ANN): at(0)}, {}, {1: WINDOW}, at(1))
    assert again.postponed == []


def test_a_message_is_read_as_it_was_written() -> None:
    written = message(ANN)
    mail = replace(written.mail, text=None, deliveries=[])
    assert from_json(to_json(written)) == replace(written, mail=mail)
    assert "\0" not in to_json(written)
    odd = replace(written, words=replace(written.words, body="\ud800"))
    assert from_json(to_json(odd)).words.body == "?"
