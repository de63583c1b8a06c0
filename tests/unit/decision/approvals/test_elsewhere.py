"""Answers to requests that another stage or another account decides about: listed, no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.approvals.request import Choice
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.decision.approvals.effects import RefuseAnswer
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.bounds import FACTS_MAX_BYTES, size_of
from postrail.decision.decision import CreateIssue, Outcome
from postrail.decision.facts import Facts
from postrail.decision.stored import facts as stored_facts
from tests.makers.records import NOON
from tests.unit.decision.approvals.cases import (
    BOSS,
    FACT,
    REPLY_TO,
    addressed,
    configured,
    decided,
    proven,
)


def test_a_copy_at_the_help_desk_is_an_issue_and_listed() -> None:
    copy = proven(mailbox="support", to=addressed(REPLY_TO, "support@example.com"))
    found = decided(copy)
    create, listed = found.effects
    assert isinstance(create, CreateIssue)
    assert isinstance(listed, RefuseAnswer)
    assert (found.outcome, listed.why) == (Outcome.ISSUE, RefusedWhy.OTHER_MAILBOX)
    assert not listed.helps


def test_an_answer_that_only_arrives_at_the_help_desk_is_no_issue() -> None:
    found = decided(proven(mailbox="support"))
    [listed] = found.effects
    assert isinstance(listed, RefuseAnswer)
    assert (found.outcome, listed.why) == (Outcome.IGNORED, RefusedWhy.OTHER_MAILBOX)


def test_a_forged_token_changes_nothing_elsewhere() -> None:
    found = decided(proven(mailbox="support"), replace(FACT, genuine=False))
    assert [type(one) for one in found.effects] == [CreateIssue]


def test_a_message_of_ours_that_comes_back_is_listed() -> None:
    found = decided(proven(), own_message="Message-ID")
    [listed] = found.effects
    assert isinstance(listed, RefuseAnswer)
    assert (found.outcome, listed.why) == (Outcome.IGNORED, RefusedWhy.OWN_MESSAGE)


@pytest.mark.parametrize(("then", "listed"), [("ignore", 1), ("quarantine", 0)])
def test_a_blocked_approver_decides_nothing(then: str, listed: int) -> None:
    blocked = SenderFilter.model_validate({"name": "no", "addresses": [BOSS], "then": then})
    found = decided(proven(), FACT, replace(configured(), sender_filters=(blocked,)))
    assert found.outcome in (Outcome.IGNORED, Outcome.QUARANTINED)
    # What is quarantined may still be handled again, once the filter is gone.
    whys = [one.why for one in found.effects if isinstance(one, RefuseAnswer)]
    assert whys == [RefusedWhy.OTHERWISE] * listed


def test_answers_wait_while_no_setup_is_enabled() -> None:
    found = decided(proven(), FACT, configured(enabled=False))
    assert (found.outcome, found.effects) == (Outcome.QUARANTINED, ())


def test_facts_are_stored_and_read_back() -> None:
    facts = Facts(
        approval=replace(FACT, deadline=NOON, begins_at=NOON, ends_at=NOON, told=True, before="x")
    )
    assert stored_facts.from_json(stored_facts.to_json(facts)) == facts
    forged = Facts(approval=replace(FACT, genuine=False, addresses=()))
    assert stored_facts.from_json(stored_facts.to_json(forged)) == forged


def test_the_longest_choices_and_addresses_fit_into_a_trace() -> None:
    choices = tuple(Choice(name="n" * 60, label="ü" * 60) for _ in range(9))
    addresses = tuple(f"{'a' * 50}{number}@example.org" for number in range(10))
    fact = replace(FACT, choices=choices, addresses=addresses, answers_for=addresses[0])
    assert size_of(stored_facts.to_json(Facts(approval=fact))) < FACTS_MAX_BYTES
