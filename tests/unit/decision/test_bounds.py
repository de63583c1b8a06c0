"""A trace has at most 8 KiB, says what is cut, and what it holds gives the same decision again."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision import trace as traces
from postrail.decision.bounds import CUT_ORDER, FACTS_MAX_BYTES, TRACE_MAX_BYTES, bounded, size_of
from postrail.decision.decide import decide
from postrail.decision.decision import Outcome
from postrail.decision.facts import (
    EarlierMail,
    Facts,
    IssueRef,
    MatchTried,
    NamedIssue,
    PersonFact,
    SentMail,
)
from postrail.decision.stored.facts import to_json
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

MANY = 1000
ISSUES = tuple(
    IssueRef(issue_id=2**40 + n, issue_key=f"HELP-{n}", project="HELP") for n in range(MANY)
)
IDS = tuple(one.issue_id for one in ISSUES)
LONG = "ü" * 100_000
HANDLERS = tuple(
    MailHandler.model_validate(
        {"name": f"h{n}", "order": n, "when": {"subject contains": f"{LONG[:300]}{n}"}}
    )
    for n in range(MANY)
)

CASES: dict[str, Facts] = {
    "nothing": Facts(),
    "addressed": Facts(addressed=tuple(PersonFact(address=f"p{n}@b.example") for n in range(MANY))),
    "tried": Facts(tried=tuple(MatchTried("id", f"<{n}{LONG}@b>") for n in range(MANY))),
    "agent_of": Facts(agent_of=tuple(f"PROJECT{n}" for n in range(MANY))),
    "earlier": Facts(
        earlier=tuple(
            EarlierMail(mail_id=str(n), mailbox="sales", source="x", issue=one)
            for n, one in enumerate(ISSUES)
        )
    ),
    "named_issues": Facts(named_issues=tuple(NamedIssue(issue=one) for one in ISSUES)),
    "issue_queries": Facts(issue_queries=tuple((f"summary ~ x{n}", (1,)) for n in range(MANY))),
    "token_issues": Facts(token_issues=ISSUES),
    "sent": Facts(
        sent=tuple(SentMail(outgoing_id=str(n), recipient=f"p{n}@b.example") for n in range(MANY))
    ),
    "conversation_issues": Facts(
        conversation_issues=ISSUES, taking_part=IDS, answered_in=IDS, insider_in=IDS
    ),
}
EVERYTHING = replace(
    CASES["conversation_issues"],
    **{name: getattr(one, name) for name, one in CASES.items() if name != "nothing"},
)


EFFECTS = tuple(("mark_delivery", f"{n}@b.example", LONG) for n in range(MANY))
# Lists about the issues of the others.
OF_ISSUES = {"busy", "crowded", "done_issues", "taking_part", "answered_in", "insider_in"}


def test_each_list_of_facts_is_bounded() -> None:
    lists = {one.name for one in dataclasses.fields(Facts) if one.default == ()}
    assert lists - OF_ISSUES - {"left_out"} == set(CUT_ORDER)
    assert CASES.keys() >= set(CUT_ORDER)


def stored(
    facts: Facts,
    handlers: tuple[MailHandler, ...] = (),
    effects: tuple[tuple[str, ...], ...] = (),
) -> dict[str, Any]:
    """Returns the trace of a message as it is stored."""
    configured = replace(snapshot(), handlers=handlers)
    mail = mail_parsed(kind_reason=LONG)
    trace = decide(mail, configured, facts).trace
    assert trace is not None
    return traces.to_json(replace(trace, effects=effects))


@pytest.mark.parametrize("handlers", [(), HANDLERS], ids=["no handlers", "1000 handlers"])
@pytest.mark.parametrize("facts", [*CASES.values(), EVERYTHING], ids=[*CASES, "everything"])
def test_a_trace_has_at_most_8_kib(facts: Facts, handlers: tuple[MailHandler, ...]) -> None:
    assert size_of(to_json(bounded(facts))) <= FACTS_MAX_BYTES
    assert size_of(stored(bounded(facts), handlers)) <= TRACE_MAX_BYTES
    assert size_of(stored(bounded(facts), handlers, EFFECTS)) <= TRACE_MAX_BYTES


@pytest.mark.parametrize("name", [name for name in CASES if name != "nothing"])
def test_the_facts_say_what_was_left_out(name: str) -> None:
    facts = bounded(CASES[name])
    kept = len(getattr(facts, name))
    assert 0 < kept < MANY
    assert facts.left_out == (f"{name}: {kept} of {MANY}",)


def test_facts_that_fit_stay_as_they_are() -> None:
    facts = Facts(conversation_issues=ISSUES[:3], taking_part=IDS[:3])
    assert bounded(facts) == facts
    assert bounded(bounded(EVERYTHING)) == bounded(EVERYTHING)


def test_the_newest_issues_of_a_conversation_and_the_ids_that_were_found_are_kept() -> None:
    assert bounded(CASES["conversation_issues"]).conversation_issues[-1] == ISSUES[-1]
    found = MatchTried("id", "<last@b>", "HELP-1")
    assert bounded(Facts(tried=(*CASES["tried"].tried, found))).tried[-1] == found


def test_a_message_listed_again_is_recognized_whatever_its_subject_names() -> None:
    """Sixty keys in the subject made a second comment of it."""
    earlier = EarlierMail(mail_id="m", mailbox="support", source="x;uid=1", issue=ISSUES[0])
    facts = replace(EVERYTHING, earlier=(earlier, *CASES["earlier"].earlier))
    for known in (facts, replace(CASES["named_issues"], earlier=(earlier,))):
        assert decide(mail_parsed(), snapshot(), bounded(known)).outcome is Outcome.DUPLICATE


def test_nothing_is_said_of_issues_that_were_left_out() -> None:
    facts = bounded(CASES["conversation_issues"])
    kept = tuple(one.issue_id for one in facts.conversation_issues)
    assert facts.taking_part == facts.answered_in == facts.insider_in == kept


def test_a_trace_says_how_many_handlers_were_asked_and_keeps_the_last() -> None:
    trace = stored(Facts(), HANDLERS)
    assert trace["left_out"] == [f"handlers: {len(trace['handlers'])} of {MANY}"]
    assert [name for name, _ in trace["handlers"]][-1] == f"h{MANY - 1}"
    assert json.dumps(trace["kind_reason"], ensure_ascii=False) == f'"{"ü" * 98}…"'


@pytest.mark.parametrize("facts", [*CASES.values(), EVERYTHING], ids=[*CASES, "everything"])
def test_the_stored_facts_give_the_same_trace_again(facts: Facts) -> None:
    first = stored(bounded(facts), HANDLERS)
    found = traces.from_json(json.loads(json.dumps(first)))
    assert found is not None
    assert stored(found.facts, HANDLERS) == first


def test_the_reason_names_the_first_handlers_only() -> None:
    configured = replace(snapshot(), handlers=HANDLERS)
    reason = decide(mail_parsed(), configured, Facts()).reason
    assert reason.count("subject contains") == 10
    assert reason.endswith("; and 990 more, see postrail mail show --trace")
    assert len(reason) < 3000


def test_a_trace_says_how_many_effects_there_were() -> None:
    trace = stored(Facts(), (), EFFECTS)
    kept = len(trace["effects"])
    assert trace["left_out"] == [f"effects: {kept} of {MANY}"]
    found = traces.from_json(trace)
    assert found is not None
    assert len(found.effects) == kept
