"""Traces are stored as JSON and read back, and a decision can be made again from a stored one."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest

from postrail.decision import trace as traces
from postrail.decision.decide import decide
from postrail.decision.facts import (
    EarlierMail,
    Facts,
    IssueRef,
    MatchTried,
    NamedIssue,
    PersonFact,
    SentMail,
    Unsubscription,
)
from postrail.decision.release import Release
from postrail.records import MailParsed
from tests.makers.records import NOON, mail_parsed
from tests.unit.decision.approvals.cases import FACT as APPROVAL
from tests.unit.decision.cases import CASES, SNAPSHOT

ISSUE = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
OTHER = IssueRef(
    issue_id=2**40, issue_key="1234", project="an RT queue", former_projects=("HELP", "SALE")
)

# A value of each kind of fact that is not its default.
KINDS: dict[str, Any] = {
    "earlier": (
        EarlierMail(mail_id="m0", mailbox="info", source="INBOX;uidvalidity=1;uid=1", issue=ISSUE),
        EarlierMail(
            mail_id="m1",
            mailbox="sales",
            source="1.mü",
            issue=OTHER,
            made_issue=True,
            verified=True,
        ),
    ),
    "token_issues": (OTHER, ISSUE),
    "conversation_issues": (ISSUE, OTHER),
    "answered_issue": OTHER,
    "named_issues": (
        NamedIssue(issue=ISSUE),
        NamedIssue(issue=OTHER, former_key="HELP-7"),
        NamedIssue(issue=ISSUE, number="1"),
    ),
    "internal_issue": OTHER,
    "sender": PersonFact(address="ada@example.org", name="Ada", made_by_mail=True),
    "addressed": (
        PersonFact(address="bo@example.org", agent_of=("HELP",)),
        PersonFact(address="c@example.org"),
    ),
    "done_issues": (1, 2**40),
    "taking_part": (1,),
    "answered_in": (1,),
    "insider_in": (2**40,),
    "agent_of": ("HELP", "SALE"),
    "beginning": "stranger",
    "claimed_by": OTHER,
    "own_message": "Message-ID",
    "unsubscription": Unsubscription(issue=OTHER, addresses=("ada@example.org",)),
    "approval": replace(APPROVAL, deadline=NOON, told=True),
    "counts": {"sender_messages": 20, "sender_issues": 1},
    "busy": ((1, "proven"), (2**40, "outsider")),
    "crowded": (2**40,),
    "release": Release(skips=("stand_in", "action of spam"), as_handler="rest"),
    "tried": (MatchTried("id", "<a@b>"), MatchTried("key", "HELP-7", "1234")),
    "left_out": ("addressed: 40 of 1000",),
    "sent": (
        SentMail(outgoing_id="o1", recipient="ada@example.org"),
        SentMail(
            outgoing_id="o2",
            recipient="bo@example.org",
            issue=OTHER,
            events=("delayed", "soft"),
            soft_bounces=4,
            wrote_since=True,
        ),
    ),
    "answers_ours": "forward",
    "issue_queries": (("a = b", (1, 2)), ("status = Done", (2**40,))),
}


def stored(mail: MailParsed, facts: Facts) -> Any:
    """Returns the trace as the database gives it back."""
    trace = decide(mail, SNAPSHOT, facts).trace
    assert trace is not None
    return json.loads(json.dumps(traces.to_json(trace), sort_keys=True))


def test_each_kind_of_fact_has_a_case() -> None:
    assert KINDS.keys() == {field.name for field in dataclasses.fields(Facts)}
    for name, value in KINDS.items():
        assert value != getattr(Facts(), name)


@pytest.mark.parametrize("kinds", [[kind] for kind in KINDS] + [[], list(KINDS)])
def test_a_trace_is_read_back_as_it_was(kinds: list[str]) -> None:
    facts = Facts(**{kind: KINDS[kind] for kind in kinds})
    mail = mail_parsed(kind="bulk", kind_reason="List-Id: <x>")
    assert traces.from_json(stored(mail, facts)) == decide(mail, SNAPSHOT, facts).trace


@pytest.mark.parametrize(("mail", "facts"), [(mail, facts) for mail, facts, _, _ in CASES])
def test_a_decision_made_again_from_a_stored_trace_is_the_same(
    mail: MailParsed, facts: Facts
) -> None:
    trace = traces.from_json(stored(mail, facts))
    assert trace is not None
    assert trace.change_id == SNAPSHOT.change_id
    assert decide(mail, SNAPSHOT, trace.facts) == decide(mail, SNAPSHOT, facts)


def test_a_trace_is_small() -> None:
    assert len(json.dumps(stored(mail_parsed(), Facts()))) < 450


@pytest.mark.parametrize(
    "old",
    [
        # release 0.1.0
        {
            "kind": "human",
            "kind_reason": "",
            "facts": {"earlier": [], "conversation_issues": {"HELP": "HELP-1"}, "named_issues": []},
        },
        # release 0.1.0, and a message that failed before a decision was made
        {"kind": "human", "kind_reason": "", "facts": None},
        {"kind": "human", "kind_reason": ""},
    ],
)
def test_a_trace_that_holds_too_little_is_no_trace_to_decide_from(old: dict[str, Any]) -> None:
    assert traces.from_json(old) is None
