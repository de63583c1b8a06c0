"""Web forms write for a visitor, whom Reply-To names: the visitor is told of, and not proven."""

from __future__ import annotations

from postrail.configuration import store
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, NOON, mail_parsed, verified

FORM = Address(name="Our website", address="Website@example.com")
VISITOR = Address(name="Vera", address="vera@example.org")
AGENT = Address(name="Agent", address="agent@example.com")


async def allow_form(bench: Bench) -> None:
    before = mail_account(authserv_ids=[AUTHSERV_ID])
    after = before.model_copy(update={"reply_to_senders": ["website@example.com"]})
    async with transaction(bench.pool) as connection:
        await store.save(connection, after, before=before, author="test", now=NOON)


async def test_the_visitor_is_the_reporter_and_gets_the_answers(bench: Bench) -> None:
    await allow_form(bench)
    await bench.handle(verified(mail_parsed(sender=FORM, reply_to=[VISITOR])))
    told = "The author's address is as website@example.com gave it."
    assert await bench.rows("SELECT reporter_address, reporter_name, description FROM issue") == [
        ("vera@example.org", "Vera", f"It burns.\n\n{told}")
    ]
    assert await bench.rows("SELECT address FROM watcher") == [("vera@example.org",)]
    (confirmed,) = bench.sent(OutgoingQueued)
    assert [one.recipient for one in confirmed.deliveries] == ["vera@example.org"]
    # Whoever fills in the form may write any address into it.
    assert confirmed.subject == "[HELP-1] We received your message"
    assert await bench.rows("SELECT trace ->> 'verdict_reason' FROM incoming_mail") == [
        ("website@example.com names the author in Reply-To, which proves nothing",)
    ]
    # The visitor answers from there.
    answer = mail_parsed(sender=VISITOR, in_reply_to=[confirmed.deliveries[0].message_id])
    await bench.handle(answer)
    assert await bench.rows("SELECT author_address, outsider FROM comment") == [
        ("vera@example.org", False)
    ]


async def test_a_form_gives_nobody_the_rights_of_an_agent(bench: Bench) -> None:
    await allow_form(bench)
    await bench.handle(mail_parsed())
    mail = mail_parsed(sender=FORM, reply_to=[AGENT], subject="HELP-1", text="Pay me.")
    await bench.handle(verified(mail))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "issue"]


async def test_reply_to_of_anyone_else_means_nothing(bench: Bench) -> None:
    await allow_form(bench)
    mail = mail_parsed(sender=VISITOR, reply_to=[AGENT])
    await bench.handle(mail, mail_parsed(sender=FORM, reply_to=[]))
    assert await bench.rows("SELECT reporter_address FROM issue ORDER BY number") == [
        ("vera@example.org",),
        ("website@example.com",),
    ]
