"""Our tokens find the issue where the database has lost the message that is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from postrail.message_parts import Address
from postrail.records import MailParsed, OutgoingQueued
from postrail.tracker import TrackerUnavailable
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, mail_parsed

ADA = Address(name="Ada", address="ada@example.org")
BO = Address(name="Bo", address="bo@example.org")


async def confirmed(bench: Bench) -> OutgoingQueued:
    """Makes HELP-1 of Ada in an account with plus-addresses; returns its confirmation."""
    await bench.save(mail_account("support", authserv_ids=[AUTHSERV_ID], plus_addresses=True))
    await bench.handle(mail_parsed(sender=ADA))
    found: OutgoingQueued = bench.sent(OutgoingQueued)[-1]
    return found


async def forget_messages(bench: Bench) -> None:
    """Leaves the database as a backup of before the messages were sent."""
    for table in ("delivery", "outgoing_mail", "message_index"):
        await bench.rows(f"DELETE FROM {table} RETURNING 1")


def to(address: str, **changes: Any) -> MailParsed:
    return mail_parsed(to=[Address(name="", address=address)], **{"sender": ADA, **changes})


@pytest.mark.parametrize("changed", [str, str.upper, str.lower])
@pytest.mark.parametrize("by", ["message_id", "address"])
async def test_an_answer_finds_its_issue_after_a_restore(
    bench: Bench, by: str, changed: Callable[[str], str]
) -> None:
    sent = await confirmed(bench)
    assert sent.reply_to.startswith("support+1-")
    await forget_messages(bench)
    answer = (
        mail_parsed(sender=ADA, in_reply_to=[changed(sent.deliveries[0].message_id)])
        if by == "message_id"
        else to(changed(sent.reply_to))
    )
    await bench.handle(answer)
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-1")
    # Its conversation is that of the issue from now on.
    await bench.handle(mail_parsed(sender=ADA, in_reply_to=[str(answer.message_id)]))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-1")
    # Our address is nobody who takes part.
    assert await bench.rows("SELECT address FROM participant") == [("ada@example.org",)]


async def test_a_token_finds_its_issue_in_any_project(bench: Bench) -> None:
    sent = await confirmed(bench)
    await bench.handle(to(sent.reply_to, mailbox="sales"))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-1")


async def test_a_stranger_with_a_token_waits_to_be_accepted(bench: Bench) -> None:
    sent = await confirmed(bench)
    await bench.handle(to(sent.reply_to, sender=BO))
    assert await bench.rows("SELECT author_address, outsider FROM comment") == [
        ("bo@example.org", True)
    ]


async def test_a_forged_token_is_ignored_and_traced(bench: Bench) -> None:
    sent = await confirmed(bench)
    last = sent.reply_to.partition("@")[0][-1]
    forged = sent.reply_to.replace(f"{last}@", f"{'0' if last != '0' else '1'}@")
    await bench.handle(to(forged), to("support+99-0123456789abcdef@example.com"))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue"] * 3
    traced = await bench.rows(
        "SELECT trace #> '{facts,tried}' FROM incoming_mail ORDER BY arrival OFFSET 1"
    )
    assert [found for (found,) in traced] == [
        [["token", forged.partition("@")[0].partition("+")[2], ""]],
        [["token", "99-0123456789abcdef", ""]],
    ]


async def test_an_issue_that_got_the_id_of_another_is_not_the_tokens(bench: Bench) -> None:
    sent = await confirmed(bench)
    await bench.rows("UPDATE issue_index SET conversation = gen_random_uuid() RETURNING 1")
    await bench.handle(to(sent.reply_to))
    assert (await bench.outcomes())[-1] == ("done", "issue", "HELP-2")


async def test_what_only_a_token_leads_to_waits_for_what_came_before(bench: Bench) -> None:
    """The first of two answers waits for its retry; the later one has nothing but the address."""
    sent = await confirmed(bench)
    first = mail_parsed(sender=ADA, in_reply_to=[sent.deliveries[0].message_id], text="First.")
    second = to(sent.reply_to, text="Second.")
    bench.tracker.comment_faults[first.mail_id] = TrackerUnavailable("later")
    await bench.handle(first, second)
    assert [state for state, _, _ in await bench.outcomes()] == ["done", "waiting", "new"]
    bench.tracker.comment_faults.clear()
    bench.clock.move(3600)
    await bench.work()
    assert await bench.rows("SELECT body FROM comment ORDER BY comment_id") == [
        ("First.",),
        ("Second.",),
    ]
