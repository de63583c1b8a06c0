"""The lines of a trace say what they mean to an operator."""

from __future__ import annotations

from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import AssignmentState, ClosedBecause, State
from postrail.decision.approvals.fact import ApprovalFact
from postrail.decision.approvals.request import RequestApproval
from postrail.decision.decision import CreateIssue, Decision, Outcome
from postrail.decision.facts import Facts, IssueRef
from postrail.operate.explain import Explained
from services.cli.explained import as_json, effect_line, fact_lines
from tests.makers.records import mail_parsed

HELP_1 = IssueRef(issue_id=7, issue_key="HELP-1", project="HELP")


def test_facts_name_issues_by_their_keys() -> None:
    facts = Facts(
        conversation_issues=(HELP_1,),
        taking_part=(7,),
        insider_in=(7,),
        counts={"conversation_messages": 2},
    )
    assert fact_lines(facts) == [
        "conversation issues: HELP-1",
        "the sender takes part in: HELP-1",
        "the sender is an agent for: HELP-1",
        "counts: conversation_messages 2",
    ]


def test_an_approval_request_is_in_words() -> None:
    fact = ApprovalFact(
        genuine=True,
        request_id="6f7e1c53-8b0a-4f4e-9c06-7a1d0a3a9d51",
        number=12,
        setup="deploy",
        state=State.DECIDED,
        assignment_state=AssignmentState.CLOSED,
        closed_because=ClosedBecause.DECIDED,
        addresses=("boss@example.org", "boss@home.example"),
    )
    assert fact_lines(Facts(approval=fact)) == [
        "approval: the token of boss@example.org, closed decided; A-12 of setup deploy, decided"
    ]


def test_effects_are_in_words() -> None:
    assert effect_line(CreateIssue(project="HELP", muted=False, neutral=True)) == (
        "create issue (project: HELP; confirmed without words of the message: yes)"
    )


def test_the_address_of_a_callback_is_not_shown() -> None:
    order = ApprovalOrder(
        setup="deploy",
        subject="",
        approvers=("ann@example.com", "lead"),
        callback_url="https://deploy.example.com/?key=secret",
        origin="handler",
    )
    effect = RequestApproval(order=order, number=0)
    assert effect_line(effect) == (
        "request approval (setup: deploy; approvers: ann@example.com, lead; origin: handler)"
    )
    decision = Decision(outcome=Outcome.ISSUE, reason="", effects=(effect,))
    found = as_json(Explained(mail=mail_parsed(), decision=decision))
    assert "secret" not in str(found)
    assert found["effects"][0]["order"]["setup"] == "deploy"
