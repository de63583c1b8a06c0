"""Texts that people wrote for other purposes, and random ones: they decide nothing by accident."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.approvals.answer import read_choice
from postrail.approvals.answer_text import tokens_of
from postrail.approvals.request import APPROVE_OR_REJECT
from postrail.approvals.words import DOUBTS, WORDS, folded, words_of
from services.parser.report import report_of_file

MAILS = Path(__file__).parents[2] / "mails"
ALL = words_of(WORDS)
FIRST_WORDS = {
    folded(word).split()[0]
    for words in WORDS.values()
    for word in (*words.approve, *words.reject, "1", "2", "approve", "reject")
}


@cache
def texts() -> dict[str, list[str]]:
    """Returns the whole and the new text of each message of the tests."""
    reports = {path.name: report_of_file(path) for path in sorted(MAILS.rglob("*.eml"))}
    return {
        name: [str(report.get(key) or "") for key in ("text", "reply_text")]
        for name, report in reports.items()
    }


def choice_of(text: str) -> str:
    found = read_choice(text, APPROVE_OR_REJECT, ALL).choice
    return found.name if found else ""


def test_only_messages_that_begin_with_a_word_of_a_choice_decide() -> None:
    assert len(texts()) > 800
    deciding = [each for found in texts().values() for each in found if choice_of(each)]
    assert len(deciding) > 20
    for text in deciding:
        assert tokens_of(text)[0].word in FIRST_WORDS, text


def test_a_text_with_another_word_before_it_decides_nothing() -> None:
    for name, found in texts().items():
        for text in found:
            assert choice_of(f"Well {text}") == "", name
            assert choice_of(f"> {text}") == "", name


MIXED = (
    "yes no approve approved rejected ok I think we it 1 2 the a Anna Hi , . \n - : not if ? ja"
    " nein genehmigt oui non sí sim não 承認 はい 、 。 > * ( ) ' n't but wenn"
)
SENTENCES = st.lists(st.sampled_from(MIXED.split(" ")), max_size=12).map(" ".join)


@given(SENTENCES)
@settings(max_examples=300, deadline=None)
def test_only_a_text_that_begins_with_a_word_of_a_choice_decides(text: str) -> None:
    if choice_of(text):
        # A greeting may stand before it.
        first = [one.word for one in tokens_of(text) if one.word not in ("hi", "anna")]
        assert first[0] in FIRST_WORDS


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    found = read_choice(text, APPROVE_OR_REJECT, ALL)
    assert (found.choice is None) == bool(found.why)


@pytest.mark.parametrize("language", list(WORDS))
@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_doubt_in_its_sentence_keeps_an_approval_from_deciding(
    language: str, data: st.DataObject
) -> None:
    doubts = DOUBTS[language]
    approving = data.draw(st.sampled_from(WORDS[language].approve))
    # "Si" is also yes without its accent, once more.
    approves = {folded(word) for word in WORDS[language].approve}
    words = [*doubts.negations, *doubts.conditions, *doubts.delays]
    doubt = data.draw(st.sampled_from([word for word in words if word not in approves]))
    before = data.draw(st.lists(st.sampled_from(["well", "this", "Anna", "42"]), max_size=4))
    after = data.draw(st.lists(st.sampled_from(["well", "Ben", "now"]), max_size=4))
    text = f"{approving}, {' '.join([*before, doubt, *after])}"
    found = read_choice(text, APPROVE_OR_REJECT, words_of([language, "en"]))
    assert found.choice is None, text
