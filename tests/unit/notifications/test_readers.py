"""Greetings by name, and times in the reader's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import greeted, greeting, shown_time, tokens_of
from postrail.notifications.templates.words import GREETING, TIME

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ann", "Ann"),
        ("Ann Lee", "Ann Lee"),
        # as directories write names
        ("Lee, Ann", "Ann Lee"),
        ("O'Neil-Smith, Mary A.", "Mary A. O'Neil-Smith"),
        ("Acme, Inc.", "Acme, Inc."),
        ("Ann Lee, PhD", "Ann Lee, PhD"),
        ("'Ann Lee'", "Ann Lee"),
        ("\u202eAnn Lee", "Ann Lee"),
        ("ceo＠bank.example", ""),
        ("Ann Lee (Sales)", "Ann Lee"),
        ("Ann Lee [EXT]", "Ann Lee"),
        ("  Ann \n Lee ", "Ann Lee"),
        ("山田 太郎", "山田 太郎"),
        ("山田, 太郎", "山田 太郎"),
        ("김, 민준", "김 민준"),
        # no names
        ("ann@example.org", ""),
        ("Win money at www.evil.example", ""),
        ("https://evil.example", ""),
        ("evil.example", ""),
        ("A" * 61, ""),
        ("", ""),
    ],
)
def test_people_are_greeted_as_they_write_their_names(name: str, expected: str) -> None:
    assert greeted(name) == expected


@pytest.mark.parametrize(
    ("language", "named", "nameless"),
    [
        ("en", "Hello Ann,", "Hello,"),
        ("de", "Guten Tag Ann,", "Guten Tag,"),
        ("fr", "Bonjour Ann,", "Bonjour,"),
        ("es", "Hola, Ann:", "Hola:"),
        ("pt", "Olá, Ann,", "Olá,"),
        ("ja", "Ann 様", "お客様"),
        ("xx", "Hello Ann,", "Hello,"),
    ],
)
def test_greetings(language: str, named: str, nameless: str) -> None:
    assert greeting("Ann", phrases_in(language)) == named
    assert greeting("", phrases_in(language)) == nameless


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("", "2026-07-01 12:00 UTC"),
        ("Europe/Berlin", "2026-07-01 14:00 CEST"),
        ("America/New_York", "2026-07-01 08:00 EDT"),
        ("No/Where", "2026-07-01 12:00 UTC"),
        ("../../etc/passwd", "2026-07-01 12:00 UTC"),
    ],
)
def test_times_have_a_zone(zone: str, expected: str) -> None:
    assert shown_time(NOON, zone) == expected


def test_a_recipient_has_the_texts_that_the_message_has_a_place_for() -> None:
    english = phrases_in("en")
    assert tokens_of("no place", "Ann", "", NOON, english) == {}
    assert tokens_of(f"{GREETING} {TIME}", "Ann", "", NOON, english) == {
        "greeting": "Hello Ann,",
        "time": "2026-07-01 12:00 UTC",
    }
