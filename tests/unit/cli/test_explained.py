"""The lines of a trace say what they mean to an operator."""

from __future__ import annotations

from postrail.decision.decision import CreateIssue
from postrail.decision.facts import Facts, IssueRef
from services.cli.explained import effect_line, fact_lines

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


def test_effects_are_in_words() -> None:
    assert effect_line(CreateIssue(project="HELP", muted=False, neutral=True)) == (
        "create issue (project: HELP; confirmed without words of the message: yes)"
    )
