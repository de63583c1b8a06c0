"""Which issue a message belongs to: each proof beside the others, the strongest first."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, CreateIssue, Decision
from postrail.decision.facts import Facts, IssueRef, NamedIssue
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed, verified

HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
HELP_2 = IssueRef(issue_id=2, issue_key="HELP-2", project="HELP")
SALE_1 = IssueRef(issue_id=3, issue_key="SALE-1", project="SALE")
# It was HELP-9 before, or an issue HELP-9 was merged into it.
MOVED = IssueRef(issue_id=4, issue_key="SALE-4", project="SALE", former_projects=("HELP",))
ALL = (1, 2, 3, 4)
BY_TOKEN = "a token of ours names this issue"
BY_CONVERSATION = "it belongs to the conversation of this issue"


def named(*issues: IssueRef) -> tuple[NamedIssue, ...]:
    return tuple(NamedIssue(issue=issue) for issue in issues)


def decided(facts: Facts, *, answer: bool = True, proven: bool = False, **account: Any) -> Decision:
    base = snapshot()
    configured = type(base)(
        accounts=base.accounts
        | {"support": mail_account(authserv_ids=["mx.example.com"], **account)},
        projects=base.projects,
        connections=base.connections,
    )
    mail = mail_parsed(in_reply_to=["<a@b>"] if answer else [])
    return decide(verified(mail) if proven else mail, configured, facts)


@pytest.mark.parametrize(
    ("facts", "issue", "reason"),
    [
        # A token goes before the conversation, and this before a key.
        ({"token_issues": (HELP_1,), "conversation_issues": (HELP_2,)}, HELP_1, BY_TOKEN),
        ({"token_issues": (HELP_1,), "named_issues": named(HELP_2)}, HELP_1, BY_TOKEN),
        ({"conversation_issues": (HELP_1,), "named_issues": named(HELP_2)}, HELP_1, "it belongs"),
        ({"named_issues": named(HELP_1)}, HELP_1, "the subject names HELP-1"),
        # Of several, the nearest.
        ({"token_issues": (HELP_2, HELP_1)}, HELP_2, BY_TOKEN),
        # A strong proof finds the issue in any project, the account's own first.
        ({"token_issues": (SALE_1,)}, SALE_1, BY_TOKEN),
        ({"token_issues": (SALE_1, HELP_1)}, HELP_1, BY_TOKEN),
        ({"conversation_issues": (SALE_1,)}, SALE_1, BY_CONVERSATION),
        ({"conversation_issues": (SALE_1, HELP_1)}, HELP_1, BY_CONVERSATION),
        ({"token_issues": (SALE_1,), "conversation_issues": (HELP_1,)}, HELP_1, BY_CONVERSATION),
        ({"token_issues": (SALE_1,), "conversation_issues": (MOVED,)}, MOVED, BY_CONVERSATION),
        ({"token_issues": (SALE_1, MOVED)}, MOVED, BY_TOKEN),
        # What was internal goes before everything.
        ({"internal_issue": SALE_1, "token_issues": (HELP_1,)}, SALE_1, "it answers an internal"),
        # A moved or merged issue by its former key.
        (
            {"named_issues": (NamedIssue(issue=MOVED, former_key="HELP-9"),)},
            MOVED,
            "the subject names HELP-9, which is SALE-4 now",
        ),
        # A key in front of ours does not hide it.
        ({"named_issues": named(SALE_1, HELP_1)}, HELP_1, "the subject names HELP-1"),
    ],
)
def test_the_strongest_proof_decides(facts: dict[str, Any], issue: IssueRef, reason: str) -> None:
    decision = decided(Facts(taking_part=ALL, **facts))
    assert decision.issue == issue
    assert decision.reason.startswith(reason)


@pytest.mark.parametrize(
    ("facts", "links", "joins"),
    [
        # The key that a strong proof contradicts is linked.
        ({"token_issues": (HELP_1,), "named_issues": named(HELP_2)}, HELP_2, True),
        (
            {"token_issues": (HELP_1,), "conversation_issues": (HELP_1,), "named_issues": named()},
            None,
            False,
        ),
        ({"token_issues": (HELP_1,), "named_issues": named(HELP_1, HELP_2)}, None, True),
        ({"conversation_issues": (HELP_1,), "named_issues": named(SALE_1)}, SALE_1, False),
        # A number alone contradicts nothing.
        (
            {"token_issues": (HELP_1,), "named_issues": (NamedIssue(issue=HELP_2, number="2"),)},
            None,
            True,
        ),
    ],
)
def test_what_the_proof_makes_of_the_others(
    facts: dict[str, Any], links: IssueRef | None, joins: bool
) -> None:
    (effect,) = decided(Facts(taking_part=ALL, **facts)).effects
    assert isinstance(effect, AddComment)
    assert (effect.issue, effect.links, effect.joins_conversation) == (HELP_1, links, joins)


@pytest.mark.parametrize("facts", [{"token_issues": (HELP_1,)}, {"conversation_issues": (HELP_1,)}])
def test_who_takes_no_part_is_an_outsider_whatever_the_proof(facts: dict[str, Any]) -> None:
    (effect,) = decided(Facts(**facts)).effects
    assert isinstance(effect, AddComment)
    assert effect.outsider


def test_a_new_message_belongs_to_the_project_of_its_mailbox() -> None:
    # The conversation is that of the same message in another mailbox.
    decision = decided(Facts(conversation_issues=(SALE_1,)), answer=False)
    assert decision.outcome == "issue"
    # An address with a token is written on purpose.
    assert decided(Facts(token_issues=(SALE_1,)), answer=False).issue == SALE_1


PART = Facts(named_issues=named(HELP_1), taking_part=(1,))
AGENT = Facts(named_issues=named(HELP_1), insider_in=(1,))
STRANGER = Facts(named_issues=named(HELP_1))


@pytest.mark.parametrize(
    ("facts", "proven", "account", "outcome", "outsider"),
    [
        # key_alone is about senders who are not verified.
        (PART, False, {"key_alone": "participants"}, "comment", False),
        (PART, False, {"key_alone": "never"}, "issue", None),
        (PART, False, {"key_alone": "anybody"}, "comment", False),
        (PART, True, {"key_alone": "never"}, "comment", False),
        (STRANGER, False, {"key_alone": "participants"}, "issue", None),
        (STRANGER, False, {"key_alone": "never"}, "issue", None),
        (STRANGER, False, {"key_alone": "anybody"}, "comment", False),
        (STRANGER, True, {"key_alone": "anybody"}, "issue", None),
        # An agent is one only if that is proven.
        (AGENT, True, {"key_alone": "participants"}, "comment", False),
        (AGENT, True, {"key_alone": "never"}, "comment", False),
        (AGENT, False, {"key_alone": "participants"}, "issue", None),
        # weak_keys is what a key makes of the others.
        (STRANGER, False, {"weak_keys": "new_issue"}, "issue", None),
        (STRANGER, False, {"weak_keys": "comment"}, "comment", True),
        (STRANGER, False, {"weak_keys": "quarantine"}, "quarantined", None),
        (STRANGER, True, {"weak_keys": "quarantine"}, "quarantined", None),
        (PART, False, {"weak_keys": "quarantine", "key_alone": "never"}, "quarantined", None),
        (PART, False, {"weak_keys": "quarantine"}, "comment", False),
    ],
)
def test_the_policies_of_weak_keys(
    facts: Facts, proven: bool, account: dict[str, Any], outcome: str, outsider: bool | None
) -> None:
    decision = decided(facts, proven=proven, **account)
    assert decision.outcome == outcome
    for effect in decision.effects:
        if isinstance(effect, CreateIssue):
            assert effect.linked_to == HELP_1
        else:
            assert isinstance(effect, AddComment)
            assert effect.outsider is outsider
