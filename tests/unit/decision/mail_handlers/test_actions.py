"""The actions of a handler send messages: forwards, answers to the author, notices."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.decision.decision import (
    AddComment,
    CreateIssue,
    Effect,
    Forward,
    Notify,
    Outcome,
    Reply,
)
from postrail.decision.facts import EarlierMail, Facts
from postrail.decision.release import Release
from postrail.message_parts import Address
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified
from tests.unit.decision.mail_handlers.test_handlers import ANSWER, HELP_1, KNOWN, decided

BOSS = "boss@example.net"


def kinds(effects: tuple[Effect, ...]) -> list[type[Effect]]:
    return [type(one) for one in effects]


@pytest.mark.parametrize(
    ("then", "facts", "outcome", "effects"),
    [
        ([{"forward": BOSS}], KNOWN, "issue", [CreateIssue, Forward]),
        ([{"forward": BOSS}], ANSWER, "comment", [AddComment, Forward]),
        ([{"reply": "Call us."}], KNOWN, "issue", [CreateIssue, Reply]),
        ([{"notify": BOSS}], KNOWN, "issue", [CreateIssue, Notify]),
        # in their order
        (
            [{"notify": BOSS}, {"reply": "Call us."}, {"forward": BOSS}],
            KNOWN,
            "issue",
            [CreateIssue, Notify, Reply, Forward],
        ),
        # several of a kind
        (
            [{"forward": BOSS}, {"forward": "b@example.net"}],
            KNOWN,
            "issue",
            [CreateIssue, Forward, Forward],
        ),
        # beside a message that is not taken in, in any order
        ([{"drop": "spam"}, {"forward": BOSS}], KNOWN, "forwarded", [Forward]),
        ([{"reply": "No."}, {"drop": "no printers"}], KNOWN, "ignored", [Reply]),
        ([{"quarantine": "odd"}, {"notify": BOSS}], KNOWN, "quarantined", [Notify]),
        ([{"quarantine": "odd"}, {"forward": BOSS}], KNOWN, "quarantined", [Forward]),
    ],
)
def test_actions_take_effect(
    then: list[Any], facts: Facts, outcome: str, effects: list[type[Effect]]
) -> None:
    decision = decided({"then": then}, facts=facts)
    assert (decision.outcome, kinds(decision.effects)) == (outcome, effects)


@pytest.mark.parametrize(
    "handler",
    [
        {"ignore_subjects": ["printer"]},
        {"unknown_senders": "ignore"},
        {"unknown_senders": "quarantine"},
        {"kind": "comment"},
    ],
)
def test_a_handler_that_refuses_a_message_sends_nothing(handler: dict[str, Any]) -> None:
    then = [{"forward": BOSS}, {"reply": "Call us."}, {"notify": BOSS}]
    assert decided(handler | {"then": then}, facts=Facts()).effects == ()


def test_a_message_that_another_mailbox_had_sends_nothing_again() -> None:
    earlier = EarlierMail(mail_id="m0", mailbox="info", source="1", issue=HELP_1)
    facts = Facts(conversation_issues=(HELP_1,), taking_part=(1,), earlier=(earlier,))
    decision = decided({"then": [{"forward": BOSS}]}, facts=facts)
    assert decision.outcome is Outcome.NOTED
    assert len(decision.effects) == 1


def test_what_the_actions_send() -> None:
    then = [{"forward": "Boss@Example.net"}, {"notify": BOSS}]
    _, forward, notice = decided({"then": then}).effects
    why, by = "no known conversation", "mail handler h1"
    assert forward == Forward(to=BOSS, reason=why, by=by)
    assert notice == Notify(to=BOSS, reason=why, by=by)


@pytest.mark.parametrize("verdict", [True, False])
def test_only_a_verified_author_gets_their_own_subject_back(verdict: bool) -> None:
    mail = verified(mail_parsed()) if verdict else mail_parsed()
    handler = {"then": [{"reply": "Call us."}]}
    reply = decided(handler, mail=mail, authserv_ids=[AUTHSERV_ID]).effects[-1]
    assert reply == Reply(text="Call us.", neutral=not verdict)


@pytest.mark.parametrize("answers", ["forward", "notice"])
@pytest.mark.parametrize("action", ["forward", "notify"])
def test_actions_never_go_round_in_circles(action: str, answers: str) -> None:
    decision = decided({"then": [{action: BOSS}]}, facts=Facts(answers_ours=answers))
    assert kinds(decision.effects) == [CreateIssue]
    assert f"it answers a {answers} of ours" in decision.reason
    from_boss = mail_parsed(sender=Address(name="", address=BOSS))
    assert kinds(decided({"then": [{action: BOSS}]}, mail=from_boss).effects) == [CreateIssue]


@pytest.mark.parametrize(
    ("skips", "effects"),
    [
        # the action held it, and sent the forward at that time
        (("action of h1",), [CreateIssue]),
        # something else held it, and nothing was sent
        (("unknown_senders",), [CreateIssue, Forward]),
    ],
)
def test_a_released_message_sends_nothing_twice(
    skips: tuple[str, ...], effects: list[type[Effect]]
) -> None:
    handler: dict[str, Any] = {"then": [{"quarantine": "odd"}, {"forward": BOSS}]}
    if "unknown_senders" in skips:
        handler = {"unknown_senders": "quarantine", "then": [{"forward": BOSS}]}
    decision = decided(handler, facts=Facts(release=Release(skips=skips)))
    assert kinds(decision.effects) == effects
