"""The people who are notified of an effect."""

from __future__ import annotations

import pytest

from postrail.notifications.audience import by_mail, reporter, watchers_except_author
from postrail.tracker.issues import Audience, Watcher

ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")
DESK = Watcher(address="desk@example.com", name="")
NO_ADDRESS = Watcher(address="", name="Ada")
OWN = frozenset({"desk@example.com"})
AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="c",
    first_message_id=None,
    watchers=(ADA, BO, DESK),
)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (ADA, [ADA]),
        # one of our own addresses
        (DESK, []),
        # a message without a sender
        (NO_ADDRESS, []),
    ],
)
def test_a_new_issue_is_confirmed_to_its_reporter(author: Watcher, expected: list[Watcher]) -> None:
    assert reporter(AUDIENCE, author, OWN) == expected


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        # neither the author nor an address of ours
        (ADA, [BO]),
        # the author does not watch
        (Watcher(address="eve@example.org", name=""), [ADA, BO]),
        (NO_ADDRESS, [ADA, BO]),
    ],
)
def test_a_comment_is_reported_to_the_other_watchers(
    author: Watcher, expected: list[Watcher]
) -> None:
    assert watchers_except_author(AUDIENCE, author, OWN) == expected


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        # strangers
        ({}, ["ada@example.org", "bo@example.org", "desk@example.com"]),
        # Two addresses of one person, in the place of the first.
        (
            {"ada@example.org": "one@example.org", "desk@example.com": "one@example.org"},
            ["one@example.org", "bo@example.org"],
        ),
        # A person's other address is a watcher already.
        ({"bo@example.org": "ada@example.org"}, ["ada@example.org", "desk@example.com"]),
        # an inactive person
        ({"bo@example.org": ""}, ["ada@example.org", "desk@example.com"]),
    ],
)
def test_people_are_reached_once_each(reach: dict[str, str], expected: list[str]) -> None:
    assert [one.address for one in by_mail(AUDIENCE.watchers, reach)] == expected
