"""Which handler takes a message, and what is recognized before any is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, CreateIssue, DeleteBody, Forward
from postrail.decision.facts import Facts, NamedIssue
from postrail.decision.trace import HandlerAnswer
from postrail.message_parts import Bounce, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed
from tests.unit.decision.mail_handlers.test_handlers import (
    ADA,
    ANSWER,
    DONE,
    HELP_1,
    KNOWN,
    created,
    decided,
)

WEAK_KEY = Facts(sender=ADA, named_issues=(NamedIssue(issue=HELP_1),))
BOSS = "boss@example.net"
REST = {"labels": ["rest"]}
NO_ISSUE = "finds no issue to comment on"
BULK = [
    HeaderField(name="Precedence", value="bulk"),
    HeaderField(name="Auto-Submitted", value="auto-replied"),
]


@pytest.mark.parametrize(
    ("first", "facts", "declined"),
    [
        # a comment kind that finds no issue passes the message on
        ({"kind": "comment"}, KNOWN, NO_ISSUE),
        ({"kind": "comment_reply_text"}, KNOWN, NO_ISSUE),
        ({"kind": "comment_before_pattern", "pattern": "^--"}, KNOWN, NO_ISSUE),
        # also one that would make a linked issue, of a key whose sender takes no part
        ({"kind": "comment"}, WEAK_KEY, NO_ISSUE),
        ({"kind": "comment_reply_text"}, WEAK_KEY, NO_ISSUE),
        ({"kind": "comment_before_pattern", "pattern": "^--"}, WEAK_KEY, NO_ISSUE),
        # as a catch_address does that no field names, also for an answer
        ({"catch_address": "x@example.com"}, KNOWN, "no field names x@example.com"),
        ({"catch_address": "x@example.com"}, ANSWER, "no field names x@example.com"),
        ({"when": {"subject is": "x"}}, KNOWN, "does not hold: subject is: x"),
        ({"enabled": False}, KNOWN, "is disabled"),
    ],
)
def test_a_message_passes_to_the_next_handler(
    first: dict[str, Any], facts: Facts, declined: str
) -> None:
    decision = decided(first, REST, facts=facts)
    (effect,) = decision.effects
    assert isinstance(effect, CreateIssue | AddComment)
    assert decision.handlers == (HandlerAnswer("h1", declined), HandlerAnswer("h2", ""))


def test_a_linked_issue_of_a_weak_key_has_what_the_handler_says() -> None:
    handler = {"issue_type": "Task", "priority": 1, "labels": ["a"], "then": [{"watchers": [BOSS]}]}
    usual, linked = created(handler), created(handler, facts=WEAK_KEY)
    assert linked == replace(usual, linked_to=HELP_1)
    assert linked.fields.labels == ("a",)


@pytest.mark.parametrize(
    "policy",
    [
        {"unknown_senders": "ignore"},
        {"bulk": "delete"},
        {"ignore_subjects": ["printer"]},
        {"then": [{"drop": "spam"}]},
        {"then": [{"quarantine": "spam"}]},
    ],
)
def test_a_handler_drops_nothing_that_it_would_not_take(policy: dict[str, Any]) -> None:
    mail = mail_parsed(headers=BULK)
    decision = decided({"kind": "comment"} | policy, {"kind": "create"}, facts=Facts(), mail=mail)
    assert decision.handlers == (HandlerAnswer("h1", NO_ISSUE), HandlerAnswer("h2", ""))
    assert isinstance(decision.effects[0], CreateIssue)


@pytest.mark.parametrize(
    ("first", "facts"),
    [({"kind": "comment"}, ANSWER), ({"catch_address": "support@example.com"}, KNOWN)],
)
def test_the_first_handler_that_can_takes_it(first: dict[str, Any], facts: Facts) -> None:
    assert decided(first, REST, facts=facts).handlers == (HandlerAnswer("h1", ""),)


@pytest.mark.parametrize(
    ("own", "accounts", "stripped"),
    [
        # the handler's setting goes before the account's
        (None, True, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
    ],
)
def test_strip_quotations(own: bool | None, accounts: bool, stripped: bool) -> None:
    decision = decided({"strip_quotations": own}, facts=ANSWER, strip_quotations=accounts)
    (effect,) = decision.effects
    assert isinstance(effect, AddComment)
    assert effect.text.new_text_only is stripped


def test_the_handlers_project_goes_before_the_accounts() -> None:
    (effect,) = decided({"project": "SALE"}, project="HELP").effects
    assert isinstance(effect, CreateIssue)
    assert effect.project == "SALE"


def test_a_done_issue_gets_a_comment_by_default() -> None:
    (effect,) = decided({}, facts=DONE).effects
    assert isinstance(effect, AddComment)
    assert not effect.reopens


@pytest.mark.parametrize("bulk", ["ignore", "forward", "delete"])
@pytest.mark.parametrize(
    ("mail", "outcome"),
    [
        (
            mail_parsed(kind="bounce", bounce=Bounce(recipients=[], original_message_id=None)),
            "ignored",
        ),
        (mail_parsed(kind="receipt"), "receipt"),
        (mail_parsed(kind="probe"), "probe"),
        (mail_parsed(kind="stand_in"), "quarantined"),
    ],
)
def test_reports_are_recognized_before_bulk(mail: MailParsed, outcome: str, bulk: str) -> None:
    handler = MailHandler.model_validate(
        {"name": "h", "bulk": bulk, "forward_address": "boss@example.net"}
    )
    configuration = replace(snapshot(), handlers=(handler,))
    decision = decide(replace(mail, headers=BULK), configuration, Facts())
    assert decision.outcome == outcome
    assert not any(isinstance(one, DeleteBody | Forward) for one in decision.effects)
    # Not by the handler either, which would say so.
    assert "bulk" not in decision.reason
