"""Messages that fail or that nobody takes are sent on, and never in a circle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import Decision, Forward, Outcome
from postrail.decision.facts import Facts
from postrail.message_parts import Address, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

BOSS = "boss@example.net"
NOT_TAKEN: dict[str, Any] = {"kind": "comment"}
TO_BOSS = {"forward_address": BOSS}
UNHANDLED = TO_BOSS | {"forward_unhandled": True}
UNPARSABLE = mail_parsed(error="too deep")
BULK = [HeaderField(name="Precedence", value="bulk")]


def decided(
    *handlers: dict[str, Any],
    mail: MailParsed | None = None,
    facts: Facts | None = None,
    base: ConfigurationSnapshot | None = None,
) -> Decision:
    made = tuple(
        MailHandler.model_validate({"name": f"h{place}"} | values)
        for place, values in enumerate(handlers, 1)
    )
    configuration = replace(base or snapshot(), handlers=made)
    return decide(mail or mail_parsed(), configuration, facts or Facts())


def forwards(decision: Decision) -> list[str]:
    return [one.to for one in decision.effects if isinstance(one, Forward)]


@pytest.mark.parametrize(
    ("handlers", "outcome", "addresses"),
    [
        # forwarding of unhandled messages is off by default, also with an address
        ([NOT_TAKEN], "ignored", []),
        ([NOT_TAKEN | TO_BOSS], "ignored", []),
        ([NOT_TAKEN | UNHANDLED], "forwarded", [BOSS]),
        # any of the account's handlers may say so, and the first one's address counts
        ([NOT_TAKEN, NOT_TAKEN | UNHANDLED], "forwarded", [BOSS]),
        (
            [NOT_TAKEN | UNHANDLED, NOT_TAKEN | UNHANDLED | {"forward_address": "b@example.net"}],
            "forwarded",
            [BOSS],
        ),
        # but not a disabled one, or one of another account
        ([NOT_TAKEN, NOT_TAKEN | UNHANDLED | {"enabled": False}], "ignored", []),
        ([NOT_TAKEN, NOT_TAKEN | UNHANDLED | {"accounts": ["sales"]}], "ignored", []),
        # a message that is taken is not forwarded
        ([UNHANDLED], "issue", []),
    ],
)
def test_what_no_handler_takes_is_forwarded_where_that_is_on(
    handlers: list[dict[str, Any]], outcome: str, addresses: list[str]
) -> None:
    decision = decided(*handlers)
    assert (decision.outcome, forwards(decision)) == (outcome, addresses)


@pytest.mark.parametrize(
    ("handlers", "addresses"),
    [
        ([{}], []),
        ([TO_BOSS], [BOSS]),
        # the first address of the account's handlers, whatever their conditions
        ([{}, TO_BOSS | {"when": {"subject is": "x"}}], [BOSS]),
        ([TO_BOSS | {"enabled": False}], []),
        ([TO_BOSS | {"accounts": ["sales"]}], []),
    ],
)
def test_a_message_that_fails_before_any_handler_is_forwarded(
    handlers: list[dict[str, Any]], addresses: list[str]
) -> None:
    decision = decided(*handlers, mail=UNPARSABLE)
    assert (decision.outcome, forwards(decision)) == ("failed", addresses)


def test_a_message_whose_account_was_removed_is_forwarded() -> None:
    decision = decided(TO_BOSS, mail=mail_parsed(mailbox="gone"))
    assert (decision.outcome, forwards(decision)) == ("failed", [BOSS])


def test_a_forward_says_why() -> None:
    (effect,) = decided(NOT_TAKEN | UNHANDLED).effects
    assert effect == Forward(
        to=BOSS,
        reason="no handler takes it: h1: finds no issue to comment on",
        by="mail handler h1",
    )


@pytest.mark.parametrize(
    ("mail", "facts", "why"),
    [
        # the answer of an automatic responder, or the bounce of a forward or of a notice
        (mail_parsed(), Facts(answers_ours="forward"), "it answers a forward of ours"),
        (mail_parsed(), Facts(answers_ours="notice"), "it answers a notice of ours"),
        # an automatic responder without any reference
        (mail_parsed(sender=Address(name="", address="Boss@Example.net")), Facts(), "from there"),
    ],
)
def test_a_forward_never_goes_round_in_circles(mail: MailParsed, facts: Facts, why: str) -> None:
    unhandled = decided(NOT_TAKEN | UNHANDLED, mail=mail, facts=facts)
    assert (unhandled.outcome, forwards(unhandled)) == (Outcome.IGNORED, [])
    assert why in unhandled.reason
    failed = decided(TO_BOSS, mail=replace(mail, error="too deep"), facts=facts)
    assert (failed.outcome, forwards(failed)) == (Outcome.FAILED, [])
    bulk = decided(TO_BOSS | {"bulk": "forward"}, mail=replace(mail, headers=BULK), facts=facts)
    assert (bulk.outcome, forwards(bulk)) == (Outcome.IGNORED, [])


def test_an_answer_to_our_answer_may_be_forwarded() -> None:
    decision = decided(NOT_TAKEN | UNHANDLED, facts=Facts(answers_ours="reply"))
    assert forwards(decision) == [BOSS]


def test_nothing_is_forwarded_to_an_address_of_ours() -> None:
    own = {"forward_address": "info@example.com", "forward_unhandled": True}
    decision = decided(NOT_TAKEN | own)
    assert (decision.outcome, forwards(decision)) == ("ignored", [])


def test_without_an_outgoing_connection_the_reason_says_so() -> None:
    base = replace(snapshot(), connections={})
    decision = decided(NOT_TAKEN | UNHANDLED, base=base)
    assert (decision.outcome, forwards(decision)) == ("ignored", [])
    assert "there is no outgoing connection; add one with postrail apply" in decision.reason


@pytest.mark.parametrize(
    ("bulk", "outcome", "addresses"),
    [
        ("", "issue", []),
        ("ignore", "ignored", []),
        ("delete", "deleted", []),
        ("forward", "forwarded", [BOSS]),
    ],
)
def test_bulk_messages(bulk: str, outcome: str, addresses: list[str]) -> None:
    decision = decided(TO_BOSS | {"bulk": bulk}, mail=mail_parsed(headers=BULK))
    assert (decision.outcome, forwards(decision)) == (outcome, addresses)
    # Others are not concerned.
    assert decided(TO_BOSS | {"bulk": bulk}).outcome == "issue"
