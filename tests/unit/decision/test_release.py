"""A released message is decided anew without what held it, and only without that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import RELEASED, STAGES, decide
from postrail.decision.decision import AddComment, CreateIssue, Decision, Outcome
from postrail.decision.facts import Facts, NamedIssue, PersonFact
from postrail.decision.question import Question
from postrail.decision.release import Release
from postrail.decision.trace import HandlerAnswer, StageAnswer
from postrail.message_parts import AuthenticationResult, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed
from tests.unit.decision.cases import HELP_1

ADA = PersonFact(address="ada@example.org", name="Ada")
FROM = HeaderField(name="From", value="<ada@example.org>")
FAILED_DMARC = AuthenticationResult(
    server=AUTHSERV_ID, method="dmarc", result="fail", properties=[], position=0
)
BULK = mail_parsed(headers=(HeaderField(name="Precedence", value="bulk"),))
NAMED = Facts(named_issues=(NamedIssue(issue=HELP_1),))


def decided(
    handlers: list[dict[str, Any]], account: dict[str, Any], mail: MailParsed, facts: Facts
) -> Decision:
    base = snapshot()
    changed = replace(
        base,
        accounts=base.accounts | {"support": mail_account(**account)},
        handlers=tuple(
            MailHandler.model_validate({"name": f"h{place}"} | values)
            for place, values in enumerate(handlers, 1)
        ),
    )
    return decide(mail, changed, facts)


@pytest.mark.parametrize(
    ("handler", "account", "mail", "facts", "held_by", "outcome"),
    [
        (
            {"then": [{"quarantine": "odd"}]},
            {},
            mail_parsed(),
            Facts(),
            "action of h1",
            Outcome.QUARANTINED,
        ),
        ({"then": [{"drop": "odd"}]}, {}, mail_parsed(), Facts(), "action of h1", Outcome.IGNORED),
        (
            {"ignore_subjects": ["."]},
            {},
            mail_parsed(),
            Facts(),
            "ignore_subjects",
            Outcome.IGNORED,
        ),
        ({"bulk": "ignore"}, {}, BULK, Facts(), "bulk", Outcome.IGNORED),
        (
            {},
            {"authserv_ids": [AUTHSERV_ID]},
            mail_parsed(authentication=(FAILED_DMARC,), headers=[FROM]),
            Facts(sender=ADA),
            "failed verdict",
            Outcome.QUARANTINED,
        ),
        (
            {},
            {"unverified_senders": "quarantine"},
            mail_parsed(),
            Facts(),
            "unverified_senders",
            Outcome.QUARANTINED,
        ),
        (
            {"unknown_senders": "ignore"},
            {},
            mail_parsed(),
            Facts(),
            "unknown_senders",
            Outcome.IGNORED,
        ),
        ({}, {"weak_keys": "quarantine"}, mail_parsed(), NAMED, "weak_keys", Outcome.QUARANTINED),
    ],
)
def test_what_a_handler_holds_is_taken_once_it_is_released(
    handler: dict[str, Any],
    account: dict[str, Any],
    mail: MailParsed,
    facts: Facts,
    held_by: str,
    outcome: Outcome,
) -> None:
    held = decided([handler], account, mail, facts)
    assert (held.outcome, held.held_by) == (outcome, held_by)
    assert held.trace is not None
    assert held.trace.held_by == held_by
    assert not held.effects
    released = decided([handler], account, mail, replace(facts, release=Release(skips=(held_by,))))
    assert released.outcome in (Outcome.ISSUE, Outcome.COMMENT)
    # Another order changes nothing.
    other = Release(skips=("something else",))
    assert decided([handler], account, mail, replace(facts, release=other)).outcome is outcome


def test_a_release_skips_what_held_the_message_and_nothing_else() -> None:
    handler = {"unknown_senders": "quarantine", "ignore_subjects": ["^Hello"]}
    mail = mail_parsed(subject="Hello")
    first = decided([handler], {}, mail, Facts())
    assert first.held_by == "ignore_subjects"
    once = Facts(release=Release(skips=(first.held_by,)))
    second = decided([handler], {}, mail, once)
    assert (second.outcome, second.held_by) == (Outcome.QUARANTINED, "unknown_senders")
    twice = Facts(release=Release(skips=(first.held_by, second.held_by)))
    assert decided([handler], {}, mail, twice).outcome is Outcome.ISSUE


def test_a_key_that_a_person_accepts_is_a_comment_by_an_outsider() -> None:
    facts = replace(NAMED, release=Release(skips=("weak_keys",)))
    decision = decided([{}], {"weak_keys": "quarantine"}, mail_parsed(), facts)
    (effect,) = decision.effects
    assert isinstance(effect, AddComment)
    assert (effect.issue, effect.outsider) == (HELP_1, True)


def test_a_stage_that_quarantines_is_passed_over() -> None:
    def brake(_question: Question) -> Decision:
        return Decision(outcome=Outcome.QUARANTINED, reason="20 messages in 120 minutes")

    stages = (("braked", brake), *STAGES)
    held = decide(mail_parsed(), snapshot(), Facts(), stages)
    assert held.held_by == "braked"
    facts = Facts(release=Release(skips=("braked",)))
    released = decide(mail_parsed(), snapshot(), facts, stages)
    assert released.outcome is Outcome.ISSUE
    assert released.trace is not None
    assert released.trace.stages[0] == StageAnswer("braked", RELEASED)


def test_the_last_stage_answers_whatever_a_release_says() -> None:
    facts = Facts(release=Release(skips=("handlers-in-general",)))
    assert decide(mail_parsed(), snapshot(), facts).outcome is Outcome.ISSUE
    held = decided([{"then": [{"quarantine": "odd"}]}], {}, mail_parsed(), Facts())
    assert held.held_by != STAGES[-1][0]


def as_handler(name: str, *handlers: dict[str, Any], **facts: Any) -> Decision:
    release = Release(as_handler=name)
    return decided(list(handlers), {}, mail_parsed(), Facts(release=release, **facts))


def test_a_chosen_handler_takes_the_message_whatever_the_conditions() -> None:
    decision = as_handler(
        "sales",
        {"name": "spam", "then": [{"drop": "spam"}]},
        {
            "name": "sales",
            "accounts": ["sales"],
            "when": {"subject starts": "Offer"},
            "catch_address": "sales@example.com",
            "project": "SALE",
        },
    )
    (effect,) = decision.effects
    assert isinstance(effect, CreateIssue)
    assert effect.project == "SALE"
    assert decision.handlers == (HandlerAnswer("sales", ""),)


def test_a_chosen_handler_still_asks_who_writes() -> None:
    decision = as_handler("h1", {"unknown_senders": "quarantine"})
    assert (decision.outcome, decision.held_by) == (Outcome.QUARANTINED, "unknown_senders")


def test_a_chosen_handler_that_finds_no_issue_ignores_the_message() -> None:
    decision = as_handler("h1", {"kind": "comment"}, {})
    assert decision.outcome is Outcome.IGNORED
    assert decision.reason == "no handler takes it: h1: finds no issue to comment on"


@pytest.mark.parametrize("handlers", [[], [{"enabled": False}]])
def test_a_chosen_handler_that_is_gone_fails_the_message(handlers: list[dict[str, Any]]) -> None:
    decision = as_handler("h1", *handlers)
    assert decision.outcome is Outcome.FAILED
    assert "released as handler h1, which is not enabled any more" in decision.reason


@pytest.mark.parametrize(
    ("stage", "outcome", "held_by"),
    [
        ("bounce", Outcome.IGNORED, "bounce"),
        ("bounce", Outcome.BOUNCED, ""),
        # Our own message is never taken for somebody's.
        ("own_message", Outcome.IGNORED, ""),
    ],
)
def test_a_stage_that_ignores_is_passed_over_unless_it_knows_our_own(
    stage: str, outcome: Outcome, held_by: str
) -> None:
    def answer(_question: Question) -> Decision:
        return Decision(outcome=outcome, reason="")

    stages = ((stage, answer), *STAGES)
    assert decide(mail_parsed(), snapshot(), Facts(), stages).held_by == held_by
