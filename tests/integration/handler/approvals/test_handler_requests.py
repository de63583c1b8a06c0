"""The action `approval` of a mail handler asks people about the issue that a message makes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import mail_parsed, verified

ADA = "ada@example.org"
ANN = "ann@example.com"
REQUEST = (
    "SELECT subject, issue_key, origin, requester_address, approved_status"
    " FROM approval_request JOIN issue_index USING (issue_id) ORDER BY number"
)


async def configure(bench: Bench, **changes: Any) -> None:
    """Lets the handler of all mail ask Ann for her approval of each issue."""
    action = {"setup": "deploy", "approvers": [ANN], "approved_status": "In Progress", **changes}
    handler = {"name": "desk", "order": 1, "then": [{"approval": action}]}
    await bench.save(
        Person(address=ANN, name="Ann"),
        mail_account("answers", purpose="approvals", authserv_ids=["mx.example.com"]),
        ApprovalSetup(
            name="deploy",
            enabled=True,
            account="answers",
            reply_address="answers@example.com",
            callback_secret="env:POSTRAIL_SECRET_X",
        ),
        MailHandler.model_validate(handler),
    )


def asked(bench: Bench) -> list[str]:
    """Returns whom the sent requests ask."""
    return [
        delivery.recipient
        for mail in bench.sent(OutgoingQueued)
        if mail.event == "approval_request"
        for delivery in mail.deliveries
    ]


async def test_a_new_issue_asks_once(bench: Bench) -> None:
    await configure(bench, deadline="2d", remind_after="1d")
    mail = verified(mail_parsed(subject="Deploy 4.2", text="It is ready."))
    await bench.handle(mail)
    assert await bench.rows(REQUEST) == [("Deploy 4.2", "HELP-1", "handler", ADA, "In Progress")]
    assert await bench.rows("SELECT body, deadline - made_at = '2 days' FROM approval_request") == [
        ("It is ready.", True)
    ]
    assert asked(bench) == [ANN]
    assert await bench.rows("SELECT channel FROM approval_event ORDER BY event_id") == [
        ("handler",),
        ("handler",),
    ]
    answer = mail_parsed(subject="Re: Deploy 4.2", in_reply_to=[str(mail.message_id)])
    await bench.handle(verified(answer))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "comment"]
    assert len(await bench.rows(REQUEST)) == 1


async def test_an_unverified_sender_is_not_told_of_the_decision(bench: Bench) -> None:
    await configure(bench, subject="Please approve")
    await bench.handle(mail_parsed(subject="Deploy 4.2"))
    assert await bench.rows(REQUEST) == [("Please approve", "HELP-1", "handler", "", "In Progress")]
    assert asked(bench) == [ANN]


async def test_the_url_of_a_callback_is_sealed(bench: Bench) -> None:
    url = "https://deploy.example.com/approved?key=1"
    await configure(bench, callback_url=url)
    await bench.handle(mail_parsed(subject="Deploy 4.2"))
    ((stored,),) = await bench.rows("SELECT callback_url FROM approval_request")
    assert stored.startswith("sealed:")
    assert "example" not in stored


async def test_two_handlers_ask_once(bench: Bench) -> None:
    await configure(bench)
    other, offsets = bench.another()
    await offsets.stored([0])
    await bench.take_in(*(mail_parsed(subject=f"Deploy {number}") for number in range(4)))
    await asyncio.gather(bench.work(), other.work_batch())
    await bench.work()
    assert len(await bench.rows(REQUEST)) == 4
    assert await bench.rows("SELECT count(*) FROM approval_event") == [(8,)]


@pytest.mark.logs_errors("a mail failed")
async def test_a_request_that_cannot_be_made_fails_its_message(bench: Bench) -> None:
    await configure(bench, approvers=["group:nobody"])
    await bench.handle(mail_parsed(subject="Deploy 4.2"))
    ((state, reason),) = await bench.rows("SELECT state, reason FROM incoming_mail")
    assert state == "failed"
    assert "group:nobody has no active members" in reason
    assert await bench.rows("SELECT count(*) FROM issue") == [(0,)]
