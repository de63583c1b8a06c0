"""Decides messages by a table of cases: message and facts in, outcome and effects out."""

from __future__ import annotations

import pytest

from postrail.decision.decide import STAGES, decide
from postrail.decision.decision import Decision, Effect, Outcome
from postrail.decision.facts import Facts, NamedIssue
from postrail.decision.question import Question
from postrail.records import MailParsed
from tests.makers.records import mail_parsed
from tests.unit.decision.cases import (
    CASES,
    HELP_1,
    HELP_3,
    NOTHING,
    SAME_LISTING,
    SNAPSHOT,
    earlier,
    known,
)


@pytest.mark.parametrize(("mail", "facts", "outcome", "effect"), CASES)
def test_decision(mail: MailParsed, facts: Facts, outcome: Outcome, effect: Effect | None) -> None:
    decision = decide(mail, SNAPSHOT, facts)
    assert decision.outcome is outcome
    assert decision.effects == (() if effect is None else (effect,))
    assert decision.reason


@pytest.mark.parametrize("mailbox", ["support", "info"])
def test_a_repeated_message_belongs_to_the_issue_of_the_first(mailbox: str) -> None:
    decision = decide(mail_parsed(source=SAME_LISTING), SNAPSHOT, earlier(mailbox))
    assert decision.issue == HELP_3


@pytest.mark.parametrize("belongs", [True, False])
@pytest.mark.parametrize(
    ("former_key", "says"),
    [("", "the subject names HELP-3, "), ("OLD-7", "the subject names OLD-7, which is HELP-3 now")],
)
def test_the_reason_names_the_key_of_the_subject(former_key: str, says: str, belongs: bool) -> None:
    found = NamedIssue(issue=HELP_3, former_key=former_key)
    facts = Facts(named_issues=(found,), taking_part=(HELP_3.issue_id,) if belongs else ())
    assert decide(mail_parsed(), SNAPSHOT, facts).reason.startswith(says)


def test_the_trace_names_the_stages_that_were_asked_and_their_answers() -> None:
    trace = decide(mail_parsed(kind="bulk", kind_reason="List-Id"), SNAPSHOT, known(HELP_1)).trace
    assert trace is not None
    asked = [answer.stage for answer in trace.stages]
    assert asked == [name for name, _ in STAGES][: len(asked)]
    assert asked[-1] == "handlers"
    assert [answer.outcome for answer in trace.stages] == [""] * (len(asked) - 1) + ["comment"]
    assert (trace.change_id, trace.kind, trace.kind_reason) == (17, "bulk", "List-Id")
    assert trace.facts == known(HELP_1)


def test_the_first_stage_that_answers_decides() -> None:
    def spam(question: Question) -> Decision | None:
        if not question.mail.subject.startswith("[SPAM]"):
            return None
        return Decision(outcome=Outcome.IGNORED, reason="the subject says so")

    stages = (("spam", spam), *STAGES)
    assert decide(mail_parsed(subject="[SPAM] x"), SNAPSHOT, NOTHING, stages).outcome == "ignored"
    assert decide(mail_parsed(subject="x"), SNAPSHOT, NOTHING, stages).outcome == "issue"


def test_stages_that_never_answer_are_a_fault() -> None:
    with pytest.raises(AssertionError):
        decide(mail_parsed(), SNAPSHOT, NOTHING, stages=STAGES[:-1])


def test_the_stored_spellings_of_outcomes_stay() -> None:
    assert [outcome.value for outcome in Outcome] == [
        "issue",
        "comment",
        "duplicate",
        "noted",
        "failed",
        "ignored",
        "deleted",
        "forwarded",
        "quarantined",
        "approval",
        "bounced",
        "receipt",
        "probe",
        "unsubscribed",
    ]
