"""Copies of a message in three mailboxes, in all orders and batches, on a real database."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, mail_parsed

MAILBOXES = ("info", "sales", "support")
ORDERS = list(itertools.permutations(MAILBOXES))


async def configured(bench: Bench, *handlers: dict[str, Any], **accounts: Any) -> None:
    await bench.save(
        *(
            mail_account(
                name,
                "SALE" if name == "sales" else "HELP",
                authserv_ids=[AUTHSERV_ID],
                fan_in=accounts.get(name, "note"),
            )
            for name in MAILBOXES
        ),
        *(
            MailHandler.model_validate({"name": f"h{place}", "order": place} | values)
            for place, values in enumerate(handlers)
        ),
    )


def copies(number: int, order: tuple[str, ...]) -> list[MailParsed]:
    """Returns a message to all three, as it arrives in their mailboxes in this order."""
    to = [Address(name="", address=f"{name}@example.com") for name in MAILBOXES]
    first = mail_parsed(to=to, message_id=f"<{number}@x>", subject=f"Message {number}")
    return [
        replace(first, mailbox=name, mail_id=mail_parsed().mail_id, source=f"INBOX;uid={number}")
        for name in order
    ]


async def results(bench: Bench, batched: bool) -> set[tuple[Any, ...]]:
    """Returns what the orders come to, each result once."""
    for number, order in enumerate(ORDERS):
        arriving = copies(number, order)
        if batched:
            await bench.handle(*arriving)
            continue
        for mail in arriving:
            await bench.handle(mail)
    issues = await bench.rows(
        "SELECT summary, array_agg(ARRAY[project_key, array_to_string(labels, ' '), addresses]"
        "  ORDER BY project_key, labels, addresses) FROM ("
        "  SELECT issue.summary, issue.project_key, issue.labels,"
        "   string_agg(address, ' ' ORDER BY address) AS addresses"
        "  FROM issue JOIN issue_index USING (issue_key) JOIN issue_address USING (issue_id)"
        "  GROUP BY 1, 2, 3, issue.issue_key) AS issue GROUP BY summary"
    )
    states = await bench.rows(
        "SELECT subject, count(*) FILTER (WHERE outcome = 'issue'),"
        " count(*) FILTER (WHERE outcome = 'noted'),"
        " coalesce(string_agg(mailbox, ' ') FILTER (WHERE outcome = 'ignored'), '')"
        " FROM incoming_mail GROUP BY subject"
    )
    assert len(issues) == len(states) == len(ORDERS)
    outcomes = {subject: tuple(counts) for subject, *counts in states}
    return {(*map(tuple, found), *outcomes[summary]) for summary, found in issues}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batched", [True, False])
async def test_one_issue_in_each_project(bench: Bench, batched: bool) -> None:
    await configured(
        bench,
        {"accounts": ["info"], "labels": ["by-info"]},
        {"accounts": ["support"], "labels": ["by-support"]},
    )
    assert await results(bench, batched) == {
        (
            ("HELP", "by-info", "info@example.com support@example.com"),
            ("SALE", "", "sales@example.com"),
            2,
            1,
            "",
        )
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batched", [True, False])
async def test_a_handler_that_ignores_keeps_no_other_from_it(bench: Bench, batched: bool) -> None:
    await configured(
        bench,
        {"accounts": ["info"], "then": [{"drop": "not here"}]},
        {"accounts": ["support"], "labels": ["by-support"]},
        {"accounts": ["sales"], "project": "HELP", "labels": ["by-sales"]},
    )
    assert await results(bench, batched) == {
        (
            ("HELP", "by-sales", "sales@example.com"),
            ("HELP", "by-support", "support@example.com"),
            2,
            0,
            "info",
        )
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batched", [True, False])
async def test_an_account_may_have_its_own_issues(bench: Bench, batched: bool) -> None:
    await configured(bench, support="own")
    assert await results(bench, batched) == {
        (
            ("HELP", "", "info@example.com"),
            ("HELP", "", "support@example.com"),
            ("SALE", "", "sales@example.com"),
            3,
            0,
            "",
        )
    }
