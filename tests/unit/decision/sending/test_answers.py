"""Only people who wrote a message themselves get an automatic answer, and one at most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import CreateIssue, CreatePerson, Decision, Effect, Outcome, Reply
from postrail.decision.facts import Facts, IssueRef
from postrail.decision.question import Question
from postrail.message_parts import Address, AuthenticationResult, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed

REPLY = {"then": [{"reply": "Call us."}]}
NEW_PERSON = {"create_users": True}
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
ON_AN_ISSUE = Facts(conversation_issues=(HELP_1,), taking_part=(1,))
FORGED = AuthenticationResult(
    server=AUTHSERV_ID, method="dmarc", result="fail", properties=[], position=0
)
FROM_ADA = [HeaderField(name="From", value="<ada@example.org>")]


def answers(
    handler: dict[str, Any], mail: MailParsed | None = None, facts: Facts | None = None
) -> tuple[list[str], str]:
    """Returns the answers that the author gets, and the reason of the decision."""
    trusting = mail_account(authserv_ids=[AUTHSERV_ID])
    base = snapshot()
    configured = replace(
        base,
        accounts=base.accounts | {"support": trusting},
        handlers=(MailHandler.model_validate({"name": "h"} | handler),),
    )
    decision = decide(mail or mail_parsed(), configured, facts or Facts())
    return [name for one in decision.effects if (name := _answer(one))], decision.reason


def _answer(effect: Effect) -> str:
    match effect:
        case Reply():
            return effect.text
        case CreateIssue() if effect.confirmed and not effect.muted:
            return "confirmation"
        case CreatePerson() if effect.notify:
            return "person"
    return ""


@pytest.mark.parametrize(
    ("handler", "facts", "answer"),
    [
        ({}, Facts(), "confirmation"),
        (REPLY, Facts(), "Call us."),
        (NEW_PERSON, Facts(), "confirmation"),
        (NEW_PERSON | REPLY, Facts(), "Call us."),
        (NEW_PERSON, ON_AN_ISSUE, "person"),
        (NEW_PERSON | REPLY, ON_AN_ISSUE, "Call us."),
        # the first of several
        ({"then": [{"reply": "Call us."}, {"reply": "Or not."}]}, Facts(), "Call us."),
        ({"then": [{"drop": "no"}, {"reply": "Call us."}]}, Facts(), "Call us."),
        ({}, ON_AN_ISSUE, ""),
        (NEW_PERSON | {"notify_users": False}, ON_AN_ISSUE, ""),
    ],
)
def test_an_author_gets_one_answer_at_most(
    handler: dict[str, Any], facts: Facts, answer: str
) -> None:
    found, reason = answers(handler, facts=facts)
    assert found == ([answer] if answer else [])
    assert "not answered" not in reason


@pytest.mark.parametrize(
    ("mail", "facts", "why"),
    [
        (mail_parsed(kind="auto_reply"), Facts(), "the message is auto_reply"),
        (mail_parsed(kind="bulk"), Facts(), "the message is bulk"),
        (mail_parsed(sender=None), Facts(), "the message has no author"),
        (
            mail_parsed(sender=Address(name="", address="Info@example.com")),
            Facts(),
            "info@example.com is an address of ours",
        ),
        (
            mail_parsed(headers=[HeaderField(name="Return-Path", value=" <>")]),
            Facts(),
            "its envelope sender is empty",
        ),
        (
            mail_parsed(authentication=[FORGED], headers=FROM_ADA),
            Facts(),
            f"its sender is forged: {AUTHSERV_ID}: dmarc=fail",
        ),
        # an automatic responder without any mark
        (mail_parsed(), Facts(answers_ours="reply"), "it answers such an answer"),
    ],
)
def test_others_are_not_answered(mail: MailParsed, facts: Facts, why: str) -> None:
    dropped = {"then": [{"drop": "no"}, {"reply": "Call us."}]}
    on_an_issue = replace(facts, conversation_issues=(HELP_1,))
    cases: list[tuple[dict[str, Any], Facts]] = [
        ({}, facts),
        (REPLY, facts),
        (dropped, facts),
        (NEW_PERSON, facts),
        (NEW_PERSON, on_an_issue),
    ]
    for handler, known in cases:
        found, reason = answers(handler, mail, known)
        assert found == []
        # A program gets no confirmation and no account in the first place.
        assert reason.endswith(f"; not answered: {why}") or mail.kind != "human"


def test_what_any_stage_answers_is_checked() -> None:
    def pushes_back(question: Question) -> Decision:
        return Decision(outcome=Outcome.IGNORED, reason="blocked", effects=(Reply(text="No."),))

    def decided(mail: MailParsed) -> Decision:
        return decide(mail, snapshot(), Facts(), [("filter", pushes_back)])

    assert decided(mail_parsed()).effects == (Reply(text="No."),)
    assert decided(mail_parsed(kind="auto_reply")).effects == ()
