"""Conditions on the issue that a message belongs to, asked in the query language."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Address
from postrail.operate.issues.transition import transition
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.records import mail_parsed

BO = Address(name="Bo", address="bo@example.org")


async def configured(bench: Bench, query: str, **values: Any) -> None:
    """Configures a handler that holds the messages whose issue the query matches, and another."""
    asking = {
        "name": "asking",
        "order": 1,
        "when": {"issue matches": query},
        "then": [{"quarantine": "a person looks at it"}],
    }
    await bench.save(MailHandler.model_validate(asking | values), MailHandler(name="rest"))


async def answered(bench: Bench, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Handles a message that makes HELP-1, and an answer; returns its outcome and facts."""
    first = mail_parsed()
    await bench.handle(first)
    answer = {"in_reply_to": [first.message_id], "text": "More", **fields}
    return await handled(bench, mail_parsed(**answer))


async def handled(bench: Bench, mail: MailParsed) -> tuple[str, dict[str, Any]]:
    await bench.handle(mail)
    ((outcome, facts),) = await bench.rows(
        "SELECT outcome, trace -> 'facts' FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    )
    return outcome, facts


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("project = HELP", True),
        ("project = SALE", False),
        ("status = Open AND priority = Medium", True),
        ("status = Done", False),
        ("summary ~ fire OR labels = vip", True),
        ("labels = vip", False),
        ("reporter = ada@example.org", True),
        ("created > -1d", True),
        ("key = HELP-1 AND NOT status = Done", True),
        # It was right when it was saved: the project is gone since.
        ("project = GONE", False),
    ],
)
async def test_a_condition_asks_about_the_issue(bench: Bench, query: str, holds: bool) -> None:
    await configured(bench, query)
    outcome, facts = await answered(bench)
    assert outcome == ("quarantined" if holds else "comment")
    expected = {query: [facts["conversation_issues"][0]["issue_id"]]} if holds else None
    assert facts.get("issue_queries") == expected


async def test_a_message_without_an_issue_matches_no_query(bench: Bench) -> None:
    await configured(bench, "project = HELP")
    assert (await handled(bench, mail_parsed()))[0] == "issue"
    # Whoever takes no part in the issue that the subject names gets an issue of their own.
    stranger = mail_parsed(sender=BO, subject="HELP-1")
    assert (await handled(bench, stranger))[0] == "issue"
    assert (await handled(bench, mail_parsed(subject="HELP-1")))[0] == "quarantined"


async def test_the_issue_is_that_of_the_handlers_project(bench: Bench) -> None:
    await configured(bench, "project = SALE", project="SALE")
    first = mail_parsed(mailbox="sales")
    await bench.handle(first)
    # A new message to another address of the conversation is for the project of the address.
    mail = mail_parsed(message_id=first.message_id, mailbox="support", text="Another copy")
    assert (await handled(bench, mail))[0] == "quarantined"


async def test_the_fields_are_those_of_the_moment(bench: Bench) -> None:
    await configured(bench, "status = Done")
    first = mail_parsed()
    await bench.handle(first)
    assert (await handled(bench, mail_parsed(in_reply_to=[first.message_id])))[0] == "comment"
    await transition(bench.desk, OPERATOR, "HELP-1", "Done")
    assert (await handled(bench, mail_parsed(in_reply_to=[first.message_id])))[0] == "quarantined"


@pytest.mark.parametrize("values", [{"enabled": False}, {"accounts": ["sales"]}])
async def test_nothing_is_asked_unless_an_enabled_handler_of_the_account_does(
    bench: Bench, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it was asked")

    monkeypatch.setattr("postrail.issue_queries.matching.matching_among", refuse)
    await configured(bench, "project = HELP", **values)
    outcome, facts = await answered(bench)
    assert (outcome, facts.get("issue_queries")) == ("comment", None)
