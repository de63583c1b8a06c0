"""Receipts are noted on their deliveries; what needs no answer ends in an outcome of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.decision.decide import decide
from postrail.decision.decision import MarkDelivery, Outcome
from postrail.decision.facts import Facts, SentMail
from postrail.message_parts import MessageReport
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

SENT = SentMail(outgoing_id="o1", recipient="pat@far.example")


def receipt(event: str) -> MailParsed:
    report = MessageReport(event=event, original_message_id="<1@example.com>")
    return mail_parsed(kind="receipt", report=report)


@pytest.mark.parametrize(
    ("event", "noted"),
    [
        ("displayed", "read"),
        ("deleted", "deleted"),
        ("delivered", "delivered"),
        ("relayed", "delivered"),
        ("expanded", "delivered"),
        # automatic, without a person who has seen it
        ("dispatched", None),
        ("processed", None),
        ("", None),
    ],
)
def test_a_receipt_is_noted_on_its_delivery(event: str, noted: str | None) -> None:
    decision = decide(receipt(event), snapshot(), Facts(sent=(SENT,)))
    assert decision.outcome is Outcome.RECEIPT
    marks = [one.event for one in decision.effects if isinstance(one, MarkDelivery)]
    assert marks == ([noted] if noted else [])
    assert len(decision.effects) == len(marks)


@pytest.mark.parametrize(
    "sent",
    [
        (),
        # it was noted before
        (replace(SENT, events=("read",)),),
        # a message of an early release: nobody knows which of them has read it
        (SENT, replace(SENT, recipient="bo@far.example")),
    ],
)
def test_a_receipt_without_effect_is_a_receipt(sent: tuple[SentMail, ...]) -> None:
    decision = decide(receipt("displayed"), snapshot(), Facts(sent=sent))
    assert (decision.outcome, decision.effects) == (Outcome.RECEIPT, ())


@pytest.mark.parametrize(
    ("kind", "outcome"), [("probe", Outcome.PROBE), ("stand_in", Outcome.QUARANTINED)]
)
def test_other_reports_have_no_effect(kind: str, outcome: Outcome) -> None:
    decision = decide(mail_parsed(kind=kind), snapshot(), Facts())
    assert (decision.outcome, decision.effects) == (outcome, ())
    assert decision.reason
