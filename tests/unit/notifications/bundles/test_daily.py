"""When a day is summed up, by the clock of the person, and what the sum says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postrail.notifications.bundles.daily import (
    COMMENT_MAX_CHARACTERS,
    DIGEST_MAX_ISSUES,
    ISSUE_MAX_EVENTS,
    lines_of_day,
    next_hour,
)
from postrail.notifications.desk_texts import summed_up
from postrail.notifications.entries import RECORD_MAX_BYTES
from postrail.notifications.phrases import LANGUAGES, phrases_in
from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.reply_marker import quotes_internal
from postrail.notifications.templates.render import rendered
from postrail.notifications.templates.words import Words
from postrail.rendering.events import MessageEvent


@pytest.mark.parametrize(
    ("hour", "time_zone", "now", "due"),
    [
        (7, "", "2026-01-01 06:59", "2026-01-01 07:00"),
        # At the hour itself it is the next day's: the digest of this day may be gone.
        (7, "", "2026-01-01 07:00", "2026-01-02 07:00"),
        (0, "", "2026-12-31 23:59", "2027-01-01 00:00"),
        (7, "Europe/Berlin", "2026-01-01 05:59", "2026-01-01 06:00"),
        (7, "Europe/Berlin", "2026-07-01 05:30", "2026-07-02 05:00"),
        (7, "Asia/Tokyo", "2026-01-01 21:59", "2026-01-01 22:00"),
        (23, "America/New_York", "2026-01-01 03:59", "2026-01-01 04:00"),
        # The clock is set forward or back in between: 7 o'clock stays 7 o'clock.
        (7, "Europe/Berlin", "2026-03-28 06:30", "2026-03-29 05:00"),
        (7, "Europe/Berlin", "2026-10-24 05:30", "2026-10-25 06:00"),
        # An hour that this day does not have, and one that it has twice.
        (2, "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"),
        (2, "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:00"),
        (2, "Europe/Berlin", "2026-10-25 00:00", "2026-10-26 01:00"),
        (7, "No/Where", "2026-01-01 06:59", "2026-01-01 07:00"),
    ],
)
def test_a_day_ends_at_the_hour_of_the_person(
    hour: int, time_zone: str, now: str, due: str
) -> None:
    assert next_hour(hour, time_zone, _at(now)) == _at(due)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def words(key: str, body: str = "") -> Words:
    return Words(
        event=MessageEvent.COMMENTED,
        language="en",
        subject=f"[{key}] Fire",
        sentence=f"Ada commented on {key}",
        body=body,
        issue_key=key,
        issue_summary="Fire",
    )


def test_each_issue_has_its_events_below_it() -> None:
    (part,) = lines_of_day([[words("A-1", "One"), words("A-1", "Two")], [words("A-2")]], ENGLISH)
    assert part == (
        ("A-1: Fire", "Ada commented on A-1: One\n\nAda commented on A-1: Two"),
        ("A-2: Fire", "Ada commented on A-2."),
    )


def test_a_long_comment_is_cut() -> None:
    (((_, text),),) = lines_of_day([[words("A-1", "x" * 5000)]], ENGLISH)
    assert text.count("x") <= COMMENT_MAX_CHARACTERS + 10
    assert "A-1 has the whole text" in text


def test_nothing_of_a_long_day_is_left_out() -> None:
    events = [words("A-1", f"({number})") for number in range(2 * ISSUE_MAX_EVENTS + 1)]
    others = [[words(f"B-{number}")] for number in range(DIGEST_MAX_ISSUES)]
    parts = lines_of_day([events, *others], ENGLISH)
    assert [len(part) for part in parts] == [DIGEST_MAX_ISSUES, 3]
    text = "".join(what for part in parts for _, what in part)
    assert all(f"({number})" in text for number in range(len(events)))


def test_a_very_long_day_fits_into_the_records_of_its_messages() -> None:
    name = "漢" * 200
    event = replace(words("A-1", "漢" * 5000), sentence=f"{name} commented on A-1")
    parts = lines_of_day([[event] * ISSUE_MAX_EVENTS] * DIGEST_MAX_ISSUES, ENGLISH)
    assert sum(len(part) for part in parts) == DIGEST_MAX_ISSUES
    for part in parts:
        made = rendered(summed_up("HELP", "Help desk", part, ENGLISH))
        assert len(f"{made.text}{made.html}".encode()) < RECORD_MAX_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_to_internal_events_is_known_to_quote_them(language: str) -> None:
    phrases = phrases_in(language)
    lines = [("A-1: Fire", "The customer is broke.")]
    for internal in (True, False):
        made = rendered(summed_up("HELP", "Help desk", lines, phrases, internal=internal))
        assert quotes_internal("\n".join(f"> {one}" for one in made.text.splitlines())) is internal
