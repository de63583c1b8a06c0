"""A message that arrives again takes effect once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.message_parts import Address
from postrail.records import MailHandled, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified


async def test_the_same_message_twice_in_a_mailbox_has_one_effect(bench: Bench) -> None:
    first = mail_parsed(source="INBOX;uidvalidity=1;uid=1", message_id="<m@x>", fingerprint="f")
    again = mail_parsed(source="INBOX;uidvalidity=1;uid=2", message_id="<m@x>", fingerprint="f")
    await bench.handle(first, again)
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "duplicate", "HELP-1"),
    ]


async def test_one_message_in_two_mailboxes_of_a_project_is_one_issue_with_both_addresses(
    bench: Bench,
) -> None:
    for mailbox in ("support", "info", "sales"):
        await bench.handle(mail_parsed(mailbox=mailbox, message_id="<m@x>", fingerprint="f"))
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "noted", "HELP-1"),
        ("done", "issue", "SALE-1"),
    ]
    assert await bench.rows(
        "SELECT address FROM issue_address JOIN issue_index USING (issue_id)"
        " WHERE issue_key = 'HELP-1' ORDER BY 1"
    ) == [("info@example.com",), ("support@example.com",)]


async def test_a_redelivered_record_has_no_effect(bench: Bench) -> None:
    mail = mail_parsed()
    await bench.handle(mail)
    await bench.handle(mail)
    await bench.handle(mail, mail)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    assert len(bench.sent(OutgoingQueued)) == 1
    assert len(bench.sent(MailHandled)) == 1


async def test_many_equal_messages_without_an_id_do_not_delay_others(bench: Bench) -> None:
    equal = [mail_parsed(message_id=None, fingerprint="alarm") for _ in range(120)]
    await bench.take_in(*equal, mail_parsed(subject="other"))
    await bench.handler.work_batch()
    assert await bench.rows("SELECT subject FROM incoming_mail WHERE state = 'done'") == [
        ("Printer on fire",),
        ("other",),
    ]
    await bench.work()
    assert await bench.rows("SELECT count(*) FROM issue") == [(121,)]
    ((longest,),) = await bench.rows(
        "SELECT max(jsonb_array_length(trace -> 'facts' -> 'earlier')) FROM incoming_mail"
    )
    assert longest == 1


@pytest.mark.parametrize("mailbox", ["support", "info"])
async def test_a_forged_copy_does_not_keep_the_proven_message_out(
    bench: Bench, mailbox: str
) -> None:
    """Who received a message can send it again before it is fetched, to an issue of their own."""
    mallory = Address(name="", address="mallory@evil.example")
    await bench.handle(mail_parsed(sender=mallory, message_id="<own@evil.example>"))
    genuine = verified(mail_parsed(text="Please cancel.", source="INBOX;uidvalidity=1;uid=2"))
    forged = replace(
        genuine,
        mail_id="00000000-0000-4000-8000-0000000000aa",
        mailbox=mailbox,
        authentication=[],
        in_reply_to=["<own@evil.example>"],
        source="INBOX;uidvalidity=1;uid=1",
    )
    again = replace(
        genuine,
        mail_id="00000000-0000-4000-8000-0000000000bb",
        source="INBOX;uidvalidity=2;uid=1",
    )
    await bench.handle(forged)
    await bench.handle(genuine)
    await bench.handle(again)
    outcomes = [outcome for _, outcome, _ in await bench.outcomes()]
    assert outcomes == ["issue", "comment", "issue", "duplicate"]


async def test_a_proven_message_reaches_its_issue_though_its_id_was_taken(bench: Bench) -> None:
    """The answer came into the forger's issue, or became an issue without any link."""
    first = verified(mail_parsed(source="INBOX;uidvalidity=1;uid=1"))
    await bench.handle(first)
    answer = verified(mail_parsed(in_reply_to=[str(first.message_id)], text="Please cancel."))
    forged = replace(
        answer,
        mail_id="00000000-0000-4000-8000-0000000000aa",
        authentication=[],
        in_reply_to=[],
        source="INBOX;uidvalidity=1;uid=7",
    )
    await bench.handle(forged)
    await bench.handle(answer)
    await bench.handle(verified(mail_parsed(in_reply_to=[str(answer.message_id)])))
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("issue", "HELP-2"),
        ("comment", "HELP-1"),
        ("comment", "HELP-1"),
    ]
