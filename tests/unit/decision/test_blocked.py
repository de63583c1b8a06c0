"""Sender filters: whose messages are held off, and what becomes of these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.sender_filter import SenderFilter
from postrail.decision.decide import decide
from postrail.decision.decision import Decision, Reply
from postrail.decision.facts import Facts, IssueRef
from postrail.decision.release import Release
from postrail.message_parts import Address, HeaderField
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed

NOTHING = Facts()
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
ANSWER = Facts(conversation_issues=(HELP_1,), taking_part=(1,))


def decided(*filters: dict[str, Any], facts: Facts = NOTHING, **mail: Any) -> Decision:
    made = [
        SenderFilter.model_validate({"name": f"f{place}"} | one)
        for place, one in enumerate(filters, 1)
    ]
    forms = mail_account(reply_to_senders=["form@desk.example"])
    base = snapshot()
    configured = replace(
        base, accounts=base.accounts | {"support": forms}, sender_filters=tuple(made)
    )
    return decide(mail_parsed(**mail), configured, facts)


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"addresses": ["Ada@example.org"]}, "ignored"),
        ({"addresses": ["ada@example.org"], "then": "quarantine"}, "quarantined"),
        ({"addresses": ["bo@example.org"]}, "issue"),
        # An address is one as a whole.
        ({"addresses": ["da@example.org"]}, "issue"),
        ({"domains": [r"@example\.org$"]}, "ignored"),
        ({"domains": [r"@EXAMPLE\.org$"]}, "ignored"),
        ({"domains": [r"@example\.com$"]}, "issue"),
        ({"addresses": ["ada@example.org"], "enabled": False}, "issue"),
        ({"addresses": ["ada@example.org"], "accounts": ["support"]}, "ignored"),
        ({"addresses": ["ada@example.org"], "accounts": ["sales"]}, "issue"),
    ],
)
def test_a_filter(values: dict[str, Any], outcome: str) -> None:
    decision = decided(values)
    assert decision.outcome == outcome
    if outcome != "issue":
        assert decision.reason.startswith("sender filter f1: ada@example.org matches ")
        assert not decision.effects
        assert decision.held_by == "blocked"
    # An answer to a known issue is held off just so.
    assert (decided(values, facts=ANSWER).outcome == "comment") is (outcome == "issue")


@pytest.mark.parametrize(
    "mail",
    [
        {"sender": Address(name="", address="X@Evil.example")},
        {"sent_by": Address(name="", address="x@evil.example")},
        # The author whom a web form names, and the form itself.
        {
            "sender": Address(name="", address="form@desk.example"),
            "reply_to": [Address(name="", address="x@evil.example")],
        },
    ],
)
def test_each_address_of_the_sender_is_asked(mail: dict[str, Any]) -> None:
    assert decided({"domains": [r"@evil\.example$"]}, **mail).outcome == "ignored"


@pytest.mark.parametrize(
    ("mail", "answered"),
    [
        ({}, True),
        # RFC 3834, section 2: no automatic message is answered, and no address of ours.
        ({"kind": "auto_reply"}, False),
        ({"kind": "bulk"}, False),
        ({"sender": Address(name="", address="support+1@example.com")}, False),
        ({"headers": [HeaderField(name="Return-Path", value="<>")]}, False),
    ],
)
def test_a_sender_is_told_that_the_message_was_pushed_back(
    mail: dict[str, Any], answered: bool
) -> None:
    decision = decided({"domains": ["@example"], "then": "push_back"}, **mail)
    assert decision.outcome == "ignored"
    assert decision.effects == ((Reply(rejects=True),) if answered else ())
    assert ("not answered" in decision.reason) is not answered


def test_a_released_message_passes() -> None:
    released = Facts(release=Release(skips=("blocked",)))
    assert decided({"addresses": ["ada@example.org"]}, facts=released).outcome == "issue"


def test_the_first_filter_that_matches_decides() -> None:
    quarantine = {"domains": ["@example"], "then": "quarantine"}
    assert decided({"addresses": ["bo@example.org"]}, quarantine).reason.startswith(
        "sender filter f2: ada@example.org matches @example"
    )


def test_the_reason_names_the_address_that_matches() -> None:
    sent_by = Address(name="", address="x@spam.example")
    decision = decided({"domains": ["@spam"]}, sent_by=sent_by)
    assert decision.reason == "sender filter f1: x@spam.example matches @spam"


def test_a_message_without_a_sender_matches_none() -> None:
    assert decided({"domains": ["@"]}, sender=None).outcome == "issue"


@pytest.mark.parametrize(
    "written",
    [
        "Spam@Evil.example",
        "spam@evil.example.",
        '"spam"@evil.example',
        r'"s\pam"@evil.example',
        "spam+now@evil.example",
        "spam@xn--bcher-kva.example",
        "spam@b\u00fccher.example",
        "spam@b\u00fccher\u3002example",
        "x@bad.example.",
        "x@bad\u3002example",
        '"x y"@bad.example',
    ],
)
def test_a_filter_holds_however_an_address_is_written(written: str) -> None:
    blocking = {
        "addresses": ["spam@evil.example", "spam@b\u00fccher.example"],
        "domains": [r"@bad\.example$"],
    }
    decision = decided(blocking, sender=Address(name="", address=written))
    assert decision.outcome == "ignored"


@pytest.mark.parametrize(
    "written", ["spa@evil.example", "spam@evil.example.net", '"spam "@evil.example']
)
def test_other_addresses_pass(written: str) -> None:
    decision = decided(
        {"addresses": ["spam@evil.example"]}, sender=Address(name="", address=written)
    )
    assert decision.outcome == "issue"
