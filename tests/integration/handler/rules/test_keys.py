"""Keys and numbers in subjects: of ours, of other systems, and several of them."""

from __future__ import annotations

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified

ADA = Address(name="Ada", address="ada@example.org")
BO = Address(name="Bo", address="bo@example.org")
AGENT = Address(name="Agent", address="agent@example.com")


async def three_issues(bench: Bench) -> None:
    """Makes HELP-1 of Ada, HELP-2 of Bo, and SALE-1 of Ada."""
    await bench.handle(
        mail_parsed(sender=ADA), mail_parsed(sender=BO), mail_parsed(sender=ADA, mailbox="sales")
    )


async def outcome(bench: Bench, mail: MailParsed) -> tuple[str, str | None]:
    await bench.handle(mail)
    _, result, key = (await bench.outcomes())[-1]
    return result, key


@pytest.mark.parametrize(
    ("subject", "sender", "result"),
    [
        # Words that look like keys, and keys of other systems.
        ("Broken UTF-8 in ISO-9001", ADA, ("issue", "HELP-3")),
        ("Re: Ticket #732", ADA, ("issue", "HELP-3")),
        ("[TICKET-1] Re: [HELP-1] fire", ADA, ("comment", "HELP-1")),
        ("ISO-9001: HELP-1", ADA, ("comment", "HELP-1")),
        # The first in which the sender takes part, whatever the project of the mailbox.
        ("HELP-2 HELP-1", ADA, ("comment", "HELP-1")),
        ("HELP-1 HELP-2", BO, ("comment", "HELP-2")),
        ("HELP-2 and SALE-1", ADA, ("comment", "SALE-1")),
        # Of several, one of the mailbox's project; then the first.
        ("[SALE-1] Re: [HELP-1] fire", ADA, ("comment", "HELP-1")),
        ("[SALE-1] Re: [HELP-1] fire", AGENT, ("comment", "HELP-1")),
        ("HELP-2 HELP-1", AGENT, ("comment", "HELP-2")),
        ("HELP-99 HELP-2", AGENT, ("comment", "HELP-2")),
        # Who takes part in none gets an issue of their own.
        ("HELP-99 SALE-1", BO, ("issue", "HELP-3")),
        # Numbers mean nothing until a handler says so.
        ("12 #1 [1]", ADA, ("issue", "HELP-3")),
    ],
)
async def test_keys_in_subjects(
    bench: Bench, subject: str, sender: Address, result: tuple[str, str]
) -> None:
    await three_issues(bench)
    mail = mail_parsed(sender=sender, subject=subject, text="More")
    assert await outcome(bench, verified(mail) if sender == AGENT else mail) == result


@pytest.mark.parametrize(
    ("subject", "sender", "result"),
    [
        ("1", ADA, ("comment", "HELP-1")),
        ("Re: #1", ADA, ("comment", "HELP-1")),
        ("[1] fire", ADA, ("comment", "HELP-1")),
        # It is a weak key.
        ("#2", ADA, ("issue", "HELP-3")),
        ("99", ADA, ("issue", "HELP-3")),
        # A whole key says more.
        ("#2 SALE-1", ADA, ("comment", "SALE-1")),
    ],
)
async def test_bare_numbers_mean_the_project_of_the_account(
    bench: Bench, subject: str, sender: Address, result: tuple[str, str]
) -> None:
    await bench.save(MailHandler(name="numbers", accounts=["support"], bare_numbers=True))
    await three_issues(bench)
    assert await outcome(bench, mail_parsed(sender=sender, subject=subject, text="More")) == result
    ((reason, facts),) = await bench.rows(
        "SELECT reason, trace -> 'facts' FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    )
    if subject == "1":
        assert reason.startswith("the subject names number 1, which is HELP-1, and the sender")
        assert facts["named_issues"][0]["number"] == "1"


async def test_a_number_in_the_subject_does_not_contradict_a_reference(bench: Bench) -> None:
    await bench.save(MailHandler(name="numbers", accounts=["support"], bare_numbers=True))
    first = mail_parsed(sender=ADA)
    await bench.handle(first, mail_parsed(sender=BO))
    mail = mail_parsed(sender=ADA, subject="Re: 2 lamps", in_reply_to=[str(first.message_id)])
    assert await outcome(bench, mail) == ("comment", "HELP-1")
    assert await bench.rows("SELECT * FROM issue_link") == []
