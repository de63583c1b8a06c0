"""Somebody sends a message with the Message-ID of another one: whose are the answers to it?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.message_parts import Address
from tests.integration.handler.bench import Bench
from tests.integration.handler.people.test_outsiders import ADA, MALLORY, sent_to, watchers
from tests.makers.records import mail_parsed, verified

BO = Address(name="Bo", address="bo@example.org")
DESK = Address(name="", address="support@example.com")
INFO = Address(name="", address="info@example.com")
PIN = "My PIN is 1234."


@pytest.mark.parametrize("batch", [True, False])
async def test_a_proven_stranger_does_not_take_the_id_of_an_unproven_customer(
    bench: Bench, *, batch: bool
) -> None:
    """The customer's next message, and the answers to the first, were mailed to the stranger."""
    first = mail_parsed(sender=ADA, to=[DESK, BO])
    taken = verified(
        mail_parsed(
            sender=MALLORY, message_id=first.message_id, to=[DESK, ADA], cc=[BO], text="Taken."
        )
    )
    answers = [
        mail_parsed(sender=one, in_reply_to=[str(first.message_id)], to=[DESK], text=PIN)
        for one in (ADA, BO)
    ]
    if batch:
        await bench.handle(first, taken, *answers)
    else:
        for one in [first, taken, *answers]:
            await bench.handle(one)
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("comment", "HELP-1"),
        ("comment", "HELP-1"),
        ("comment", "HELP-1"),
    ]
    assert await bench.rows("SELECT outsider FROM comment ORDER BY comment_id") == [
        (True,),
        (False,),
        (False,),
    ]
    assert MALLORY.address not in sent_to(bench, PIN)
    assert MALLORY.address not in await watchers(bench, "HELP-1")


async def test_a_message_that_is_listed_anew_keeps_its_issue_when_it_is_proven_now(
    bench: Bench,
) -> None:
    """Its account's authserv_ids were wrong at first. The answers became new issues."""
    first = mail_parsed(sender=ADA, to=[DESK], source="INBOX;uidvalidity=1;uid=1")
    again = replace(
        verified(first),
        mail_id="00000000-0000-4000-8000-0000000000ab",
        source="INBOX;uidvalidity=2;uid=1",
    )
    answer = mail_parsed(sender=ADA, in_reply_to=[str(first.message_id)], to=[DESK])
    await bench.handle(first)
    await bench.handle(again)
    await bench.handle(verified(answer))
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("duplicate", "HELP-1"),
        ("comment", "HELP-1"),
    ]


async def test_the_answers_go_with_the_proven_message_that_has_an_effect(bench: Bench) -> None:
    """A copy in a mailbox that could not prove its author was first; nobody knows whose it is."""
    first = mail_parsed(sender=ADA, to=[DESK, INFO], mailbox="info")
    copy = replace(verified(first), mail_id="00000000-0000-4000-8000-0000000000ab")
    copy = replace(copy, mailbox="support", source="INBOX;uidvalidity=9;uid=1")
    answer = mail_parsed(sender=BO, in_reply_to=[str(first.message_id)], to=[DESK])
    for one in [first, copy, answer]:
        await bench.handle(one)
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("issue", "HELP-2"),
        ("comment", "HELP-2"),
    ]
