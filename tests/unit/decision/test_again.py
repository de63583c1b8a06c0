"""What a trace stores gives the same decision again: each mail of tests/mails, and drawn facts."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.approvals.request import AssignmentState, State
from postrail.configuration.models.limit import LimitName
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision import trace as traces
from postrail.decision.approvals.fact import ANSWERED, REFUSED, ApprovalFact
from postrail.decision.bounds import TRACE_MAX_BYTES, bounded, size_of
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
from postrail.decision.loops.limits import Standing
from postrail.decision.release import Release
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.parsing import made
from tests.makers.records import AUTHSERV_ID, NOON, mail_parsed
from tests.unit.decision.approvals.cases import BOSS, REQUEST

MAILS = sorted((Path(__file__).parents[2] / "mails").rglob("*.eml"))
RULES: list[dict[str, Any]] = [
    {"name": "spam", "when": {"header X-Spam-Flag is": "YES"}, "then": [{"quarantine": "spam"}]},
    {"name": "machines", "when": {"kind in": ["bulk", "auto_generated"]}, "bulk": "ignore"},
    {"name": "long", "when": {"size over": 100_000}, "kind": "create"},
    {"name": "failed", "when": {"authentication is": "fail"}, "then": [{"drop": "forged"}]},
    {"name": "words", "when": {"any": [{"text matches": "(ge|of)"}, {"subject starts": "re"}]}},
    {"name": "rest", "bare_numbers": True, "closed_issues": "new_issue", "cc_watchers": True},
]
SNAPSHOT = replace(
    snapshot(),
    accounts={
        one.name: one
        for one in (
            mail_account(authserv_ids=[AUTHSERV_ID], key_alone="anybody"),
            mail_account("info", weak_keys="quarantine", unverified_senders="quarantine"),
            mail_account("sales", "SALE"),
        )
    },
    handlers=tuple(
        MailHandler.model_validate({"order": place, **rule}) for place, rule in enumerate(RULES)
    ),
)

SHORT = st.text(max_size=20)
PROJECTS = st.lists(st.sampled_from(["HELP", "SALE"]), max_size=2).map(tuple)
ISSUES = st.builds(
    IssueRef,
    issue_id=st.integers(1, 5),
    issue_key=st.sampled_from(["HELP-1", "HELP-2", "SALE-3", "1234"]),
    project=st.sampled_from(["HELP", "SALE", "an RT queue"]),
    former_projects=PROJECTS,
)
PERSONS = st.builds(
    PersonFact, address=SHORT, name=SHORT, made_by_mail=st.booleans(), agent_of=PROJECTS
)
IDS = st.lists(st.integers(1, 5), max_size=4).map(tuple)
# A strategy for each kind of fact; the notes on what was cut follow from them.
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "earlier": st.lists(
        st.builds(
            EarlierMail,
            mail_id=SHORT,
            mailbox=st.sampled_from(["support", "info", "sales", "gone"]),
            source=SHORT,
            issue=ISSUES,
        ),
        max_size=3,
    ).map(tuple),
    "conversation_issues": st.lists(ISSUES, max_size=30).map(tuple),
    "token_issues": st.lists(ISSUES, max_size=5).map(tuple),
    "answered_issue": st.none() | ISSUES,
    "named_issues": st.lists(
        st.builds(NamedIssue, issue=ISSUES, former_key=SHORT, number=st.sampled_from(["", "7"])),
        max_size=30,
    ).map(tuple),
    "internal_issue": st.none() | ISSUES,
    "sender": st.none() | PERSONS,
    "addressed": st.lists(PERSONS, max_size=30).map(tuple),
    "done_issues": IDS,
    "taking_part": IDS,
    "answered_in": IDS,
    "insider_in": IDS,
    "agent_of": PROJECTS,
    "beginning": st.sampled_from(["", "known", "stranger"]),
    "claimed_by": st.none() | ISSUES,
    "release": st.none() | st.builds(Release, as_handler=st.sampled_from(["", "rest", "gone"])),
    "issue_queries": st.dictionaries(
        st.sampled_from(["priority = High", "status = Done"]), IDS
    ).map(lambda found: tuple(sorted(found.items()))),
    "sent": st.lists(
        st.builds(
            SentMail,
            outgoing_id=SHORT,
            recipient=SHORT,
            issue=st.none() | ISSUES,
            events=st.lists(SHORT, max_size=2).map(tuple),
            soft_bounces=st.integers(0, 9),
        ),
        max_size=9,
    ).map(tuple),
    "answers_ours": st.sampled_from(["", "forward", "reply", "notice", "account"]),
    "own_message": st.sampled_from(["", "", "", "Message-ID"]),
    "unsubscription": st.none()
    | st.just(Unsubscription())
    | st.builds(
        Unsubscription,
        issue=ISSUES,
        addresses=st.lists(SHORT, min_size=1, max_size=2).map(tuple),
    ),
    "approval": st.none()
    | st.builds(
        ApprovalFact,
        genuine=st.booleans(),
        state=st.sampled_from(State),
        assignment_state=st.sampled_from(AssignmentState),
        deadline=st.none() | st.just(NOON),
        before=st.sampled_from(["", ANSWERED, REFUSED]),
        request_id=st.just(REQUEST),
        addresses=st.just((BOSS,)),
    ),
    "counts": st.dictionaries(st.sampled_from(list(map(str, LimitName))), st.integers(1, 2000)),
    "busy": st.lists(
        st.tuples(st.sampled_from([1, 2]), st.sampled_from(list(map(str, Standing)))), max_size=3
    ).map(tuple),
    "crowded": IDS,
    "tried": st.lists(
        st.builds(MatchTried, st.sampled_from(["id", "key", "number", "token"]), st.text(), SHORT),
        max_size=30,
    ).map(tuple),
}
FACTS = st.builds(Facts, **KINDS)


def assert_decided_again(mail: MailParsed, facts: Facts) -> None:
    """Decides, stores the trace, reads it, and decides again."""
    first = decide(mail, SNAPSHOT, facts)
    assert first.trace is not None
    stored = traces.to_json(first.trace)
    assert size_of(stored) <= TRACE_MAX_BYTES
    # As PostgreSQL gives it back: in another order.
    trace = traces.from_json(json.loads(json.dumps(stored, sort_keys=True)))
    assert trace is not None
    again = decide(mail, SNAPSHOT, trace.facts)
    assert again == first
    assert again.trace is not None
    assert traces.to_json(again.trace) == stored


@pytest.mark.parametrize("mail", MAILS, ids=lambda path: path.stem)
def test_each_mail_is_decided_again_as_before(mail: Path) -> None:
    record = made(mail.read_bytes()).record
    for mailbox in ("support", "info"):
        assert_decided_again(replace(record, mailbox=mailbox), Facts())


def test_each_kind_of_fact_is_drawn() -> None:
    assert KINDS.keys() == {one.name for one in dataclasses.fields(Facts)} - {"left_out"}


@settings(max_examples=200, deadline=None)
@given(
    facts=FACTS,
    mailbox=st.sampled_from(["support", "info", "sales", "gone"]),
    kind=st.sampled_from(["human", "auto_reply", "bulk", "auto_generated"]),
    subject=st.sampled_from(["", "Re: HELP-1", "it 7 breaks", "SALE-3"]),
    answers=st.booleans(),
)
def test_drawn_facts_are_decided_again_as_before(
    facts: Facts, mailbox: str, kind: str, subject: str, answers: bool
) -> None:
    mail = mail_parsed(
        mail_id="m1",
        mailbox=mailbox,
        kind=kind,
        subject=subject,
        in_reply_to=["<a@b>"] if answers else [],
    )
    assert_decided_again(mail, bounded(facts))
