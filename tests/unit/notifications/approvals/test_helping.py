"""What the author of a reply is told that has decided nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postrail.approvals.token import tokens_in
from postrail.notifications.approvals.helping import TRY_AGAIN, HelpReason
from postrail.notifications.phrases import LANGUAGES
from tests.makers.records import NOON
from tests.unit.notifications.approvals.letters import helping


@pytest.mark.parametrize("reason", HelpReason)
def test_only_a_person_who_may_answer_once_more_is_told_how(reason: HelpReason) -> None:
    made = helping(reason)
    again = reason in TRY_AGAIN
    assert ("Answer 1: Approve" in made.text) is again
    assert bool(tokens_in([], [], [made.text, made.html])) is again
    assert ("mailto:" in made.html) is again
    assert ("There will be no further email" in made.text) is not again


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stranger_gets_no_word_of_the_request(language: str) -> None:
    made = helping(HelpReason.OTHER_SENDER, language, issue_key="HELP-7")
    everything = f"{made.subject}{made.text}{made.html}"
    for word in ("Deploy", "4.2", "A-12", "HELP-7", "production", "Rob Quester", "Ana"):
        assert word not in everything
    # The address is the stranger's own.
    assert "bo@elsewhere.example" in made.text


def test_the_author_of_a_late_reply_reads_until_when_answers_counted() -> None:
    text = helping(HelpReason.LATE, deadline=NOON + timedelta(days=1)).text
    assert "answers counted until 2026-01-02 12:00 UTC." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_has_words_of_its_own(language: str) -> None:
    found = {helping(reason, language).text.split("\n\n")[3] for reason in TRY_AGAIN}
    assert len(found) == len(TRY_AGAIN)
