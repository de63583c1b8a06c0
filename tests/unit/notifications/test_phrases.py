"""The phrases of each language: complete, with its own punctuation, and its own words for a text.

What people must not read twice to understand is held here; whether it sounds well is not.
"""

from __future__ import annotations

import re
from dataclasses import fields
from string import Formatter
from typing import Any

import pytest

from postrail.notifications.events import COMMENTED, ISSUE_CREATED, STATUS_CHANGED
from postrail.notifications.phrases import LANGUAGES, phrases_in
from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.said import TOO_LARGE, said, shown_size
from tests.makers.records import calendar_event, mail_parsed
from tests.unit.notifications.test_said import NOTE, PICTURE, REPORT
from tests.unit.notifications.written import written

# Messages that have no text of their own.
TEXTLESS: dict[str, dict[str, Any]] = {
    "empty": {},
    "picture": {"attachments": [PICTURE]},
    "files": {"attachments": [PICTURE, REPORT]},
    "invitation": {"events": [calendar_event(summary="Planning")]},
    "too large": {"defects": [TOO_LARGE], "size": 1_500_000},
}
each_language = pytest.mark.parametrize("language", LANGUAGES)


def texts(phrases: Phrases) -> dict[str, str]:
    values = {one.name: getattr(phrases, one.name) for one in fields(phrases)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def places(text: str) -> set[str]:
    """Returns the names that are filled into a phrase."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@each_language
def test_each_phrase_has_the_same_places_in_all_languages(language: str) -> None:
    found = {name: places(text) for name, text in texts(phrases_in(language)).items()}
    assert found == {name: places(text) for name, text in texts(ENGLISH).items()}


@each_language
def test_a_message_without_a_text_has_words_of_its_own(language: str) -> None:
    phrases = phrases_in(language)
    found = {}
    for case, changes in TEXTLESS.items():
        body = NOTE if case == "too large" else ""
        mail = mail_parsed(**{"text": body, **changes})
        found[case] = said(mail, body, phrases)
        for event in (ISSUE_CREATED, COMMENTED):
            made = written(event, body, max_characters=1000, mail=mail, language=language)
            # A confirmation quotes it, line by line; HTML escapes nothing of it.
            plain = " ".join(made.text.replace("\n> ", "\n").split())
            assert " ".join(found[case].split()) in plain
            assert found[case] in made.html
            assert NOTE not in f"{made.text}{made.html}"
    assert len(set(found.values())) == len(TEXTLESS)
    if language != "en":
        english = {said(mail_parsed(**one), "", ENGLISH) for one in TEXTLESS.values()}
        assert not english & set(found.values())


@each_language
def test_of_a_long_text_the_beginning_is_shown_and_where_the_rest_is(language: str) -> None:
    made = written(COMMENTED, "word " * 100, max_characters=50, language=language)
    cut = phrases_in(language).cut.format(key="HELP-1")
    assert made.text.count("word") == 10
    assert cut in made.text
    assert cut in made.html


@pytest.mark.parametrize(
    ("language", "size"),
    [("en", "1.5 MB"), ("de", "1,5 MB"), ("fr", "1,5 Mo"), ("ja", "1.5 MB")],
)
def test_sizes_are_written_as_in_the_language(language: str, size: str) -> None:
    assert shown_size(1_500_000, phrases_in(language)) == size


# What nobody would write in the language.
WRONG = {
    "en": r"[“”„«»]|  ",
    # Its quotation marks; the informal address; a sentence after a colon begins with a capital.
    "de": r"[«»\"]|“(?!,|\.| |$)(?<!}“)|\b(?:du|dein|dir|dich|euch)\b|  ",
    # A fixed space before high punctuation and inside of quotation marks; curved apostrophes.
    "fr": r"[^\u00a0][:;!?»]|«[^\u00a0]|'|\b(?:tu|toi|votre nom)\b",
    "es": r"(?<!¿)\b[^¿]*\?|!|[„“]|\b(?:tú|tu|tus|contigo)\b",
    "pt": r"[«»„]|\b(?:tu|teu|tua|contigo)\b|  ",
    # Full-width punctuation beside its own writing.
    "ja": r"[^\x00-\x7f] ?[:(),.!?;](?!\w)|[:(),.!?;](?=[^\x00-\x7f])",
}


@each_language
def test_the_punctuation_and_the_address_are_those_of_the_language(language: str) -> None:
    found = {
        name: text
        for name, text in texts(phrases_in(language)).items()
        if name not in ("decimal_point", "colon", "comma")
        if re.search(WRONG[language], text, re.I)
    }
    assert found == {}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "Bo hat HELP-1 auf „Done“ gesetzt: Printer on fire"),
        ("fr", "Bo a passé HELP-1 à l’état «\u00a0Done\u00a0»\u00a0: Printer on fire"),
        ("es", "Bo ha cambiado HELP-1 a «Done»: Printer on fire"),
        ("ja", "Bo さんが HELP-1 を「Done」に変更しました：Printer on fire"),
    ],
)
def test_a_sentence_stands_before_the_summary(language: str, sentence: str) -> None:
    assert sentence in written(STATUS_CHANGED, "Done", language=language).text


@pytest.mark.parametrize(
    "sentence", ["received", "account_created", "rejection", "approval_request", "digest"]
)
def test_german_goes_on_after_a_greeting_with_a_word_that_always_has_a_capital(
    sentence: str,
) -> None:
    german = phrases_in("de")
    assert german.greeting.endswith(",")
    assert re.match(r"(Sie|Ihre?)\b|\{author\}", getattr(german, sentence))
