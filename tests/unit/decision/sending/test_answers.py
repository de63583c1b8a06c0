"""Only people who wrote a message themselves get an automatic answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import Decision, Outcome, Reply
from postrail.decision.facts import Facts
from postrail.decision.question import Question
from postrail.message_parts import Address, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

ANSWERING = replace(
    snapshot(),
    handlers=(MailHandler.model_validate({"name": "h", "then": [{"reply": "Call us."}]}),),
)


def replies(mail: MailParsed, facts: Facts) -> tuple[list[str], str]:
    decision = decide(mail, ANSWERING, facts)
    return [one.text for one in decision.effects if isinstance(one, Reply)], decision.reason


def test_a_person_is_answered() -> None:
    assert replies(mail_parsed(), Facts()) == (["Call us."], "no known conversation")


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
        # an automatic responder without any mark
        (mail_parsed(), Facts(answers_ours="reply"), "it answers such an answer"),
    ],
)
def test_others_are_not_answered(mail: MailParsed, facts: Facts, why: str) -> None:
    texts, reason = replies(mail, facts)
    assert texts == []
    assert reason.endswith(f"; not answered: {why}")


def test_what_any_stage_answers_is_checked() -> None:
    def pushes_back(question: Question) -> Decision:
        return Decision(outcome=Outcome.IGNORED, reason="blocked", effects=(Reply(text="No."),))

    def decided(mail: MailParsed) -> Decision:
        return decide(mail, snapshot(), Facts(), [("filter", pushes_back)])

    assert decided(mail_parsed()).effects == (Reply(text="No."),)
    assert decided(mail_parsed(kind="auto_reply")).effects == ()
