"""An out-of-office answer is a muted comment, and changes nothing else about its issue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.decision.decision import (
    AddComment,
    Brings,
    CreateIssue,
    CreatePerson,
    Decision,
    Outcome,
)
from postrail.decision.facts import Facts, IssueRef, NamedIssue, PersonFact
from tests.makers.records import mail_parsed
from tests.unit.decision.mail_handlers.test_handlers import ADA, ANSWER, DONE, HELP_1, decided

SALE_1 = IssueRef(issue_id=4, issue_key="SALE-1", project="SALE")
BO = PersonFact(address="bo@example.org", name="Bo")
# A reference to one issue, and the key of another in the subject.
BOTH = replace(ANSWER, named_issues=(NamedIssue(issue=SALE_1),))
STRANGER = Facts(conversation_issues=(HELP_1,), taking_part=(1,))


def effect_of(decision: Decision) -> AddComment | CreateIssue:
    effect = decision.effects[-1]
    assert isinstance(effect, AddComment | CreateIssue)
    return effect


@pytest.mark.parametrize(
    ("handler", "facts", "what_a_person_does"),
    [
        # it is not announced
        ({}, ANSWER, lambda effect: not effect.muted),
        # it does not open a done issue again, and does not make a new one
        ({"closed_issues": "reopen"}, DONE, lambda effect: effect.reopens),
        ({"closed_issues": "new_issue"}, DONE, lambda effect: isinstance(effect, CreateIssue)),
        # it brings no watchers and no participants
        ({}, ANSWER, lambda effect: effect.brings is not Brings.NOBODY),
        ({"cc_watchers": True}, replace(ANSWER, addressed=(BO,)), lambda effect: effect.watchers),
        ({"then": [{"watchers": ["bo@example.org"]}]}, ANSWER, lambda effect: effect.watchers),
        # it links no issues
        ({}, BOTH, lambda effect: effect.links),
    ],
)  # fmt: skip
def test_an_out_of_office_answer_only_comments(
    handler: dict[str, Any], facts: Facts, what_a_person_does: Any
) -> None:
    assert what_a_person_does(effect_of(decided(handler, facts=facts)))
    decision = decided(handler, mail=mail_parsed(kind="auto_reply"), facts=facts)
    effect = effect_of(decision)
    assert decision.outcome is Outcome.COMMENT
    assert isinstance(effect, AddComment)
    assert effect.muted
    assert effect.brings is Brings.NOBODY
    assert not what_a_person_does(effect)


def test_an_out_of_office_answer_makes_no_person() -> None:
    handler = {"create_users": True}
    person, _ = decided(handler, facts=STRANGER).effects
    assert isinstance(person, CreatePerson)
    decision = decided(handler, mail=mail_parsed(kind="auto_reply"), facts=STRANGER)
    assert [type(effect) for effect in decision.effects] == [AddComment]


def test_other_automatic_mail_still_opens_an_issue_again() -> None:
    # A monitor reports the same fault again, and is proven.
    mail = mail_parsed(kind="auto_generated")
    decision = decided({"closed_issues": "reopen"}, mail=mail, facts=DONE)
    assert decided({"closed_issues": "reopen"}, facts=DONE).effects
    effect = effect_of(decision)
    assert isinstance(effect, AddComment)
    assert effect.reopens
    assert effect.muted


def test_an_answer_of_a_program_to_a_known_person_takes_part_in_nothing() -> None:
    facts = Facts(conversation_issues=(HELP_1,), sender=ADA)
    decision = decided(mail=mail_parsed(kind="auto_reply"), facts=facts)
    effect = effect_of(decision)
    assert isinstance(effect, AddComment)
    assert (effect.outsider, effect.brings) == (True, Brings.NOBODY)
