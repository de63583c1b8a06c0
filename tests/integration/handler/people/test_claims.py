"""Attacks by mail that only claims its sender: it reaches nobody outside, and lets nobody hear."""

from __future__ import annotations

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.people.test_outsiders import (
    ADA,
    AGENT,
    AS_AGENT,
    ISSUES,
    MALLORY,
    POISON,
    customer,
    sent_to,
    watchers,
)
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

PIN = "My PIN is 1234."
CUSTOMERS_ARE_OUTSIDERS = Project(key="HELP", name="Help desk", known_people="outsider")


async def test_a_subject_with_all_keys_mails_no_victim_the_words(bench: Bench) -> None:
    """20 of 20 victims got them in the confirmation of the attacker's issue."""
    await bench.save(MailHandler(name="all", kind="create"))
    victims = [customer(number) for number in range(ISSUES)]
    await bench.handle(*(mail_parsed(sender=victim) for victim in victims))
    keys = " ".join(f"HELP-{number}" for number in range(1, ISSUES + 1))
    subject = f"{keys} {POISON}"
    await bench.handle(
        *(mail_parsed(sender=victim, subject=subject, text=POISON) for victim in victims)
    )
    assert sent_to(bench, POISON) == set()


async def test_an_agent_in_from_who_watches_the_issues_reaches_no_customer(bench: Bench) -> None:
    """Each default assignee watches: the words came to 20 of 20 customers."""
    await bench.handle(*(mail_parsed(sender=customer(number)) for number in range(ISSUES)))
    keys = [f"HELP-{number}" for number in range(1, ISSUES + 1)]
    for key in keys:
        await watch(bench.desk, AGENT, key)
    await bench.handle(
        *(mail_parsed(subject=f"Re: [{key}] x", sender=AS_AGENT, text=POISON) for key in keys)
    )
    assert await bench.rows("SELECT count(*) FROM comment") == [(0,)]
    assert sent_to(bench, POISON) == set()
    # The agent proves to be one by the answer to what we sent to the agent.
    await bench.handle(verified(mail_parsed(sender=customer(0), subject="HELP-1", text="Hm.")))
    told = next(
        one.message_id
        for mail in bench.sent(OutgoingQueued)
        for one in mail.deliveries
        if one.recipient == AGENT.address and "Hm." in mail.text
    )
    await bench.handle(mail_parsed(sender=AS_AGENT, in_reply_to=[told], text="On it."))
    assert sent_to(bench, "On it.") == {customer(0).address}


@pytest.mark.parametrize("key_alone", ["participants", "anybody"])
async def test_a_participant_in_from_lets_nobody_in(bench: Bench, key_alone: str) -> None:
    """Who was in Cc of the forgery took part, watched by naming the key, and got what followed."""
    await bench.save(mail_account(key_alone=key_alone, authserv_ids=[AUTHSERV_ID]))
    await bench.handle(mail_parsed(sender=ADA))
    await bench.handle(mail_parsed(sender=ADA, subject="Re: HELP-1", cc=[MALLORY], text="Forged."))
    await bench.handle(mail_parsed(sender=MALLORY, subject="Re: HELP-1", text="Hello."))
    await bench.handle(verified(mail_parsed(sender=ADA, subject="Re: [HELP-1]", text=PIN)))
    assert await watchers(bench, "HELP-1") == {ADA.address}
    assert sent_to(bench, PIN) == set()


async def test_a_participant_lets_others_in_once_that_is_proven(bench: Bench) -> None:
    await bench.handle(mail_parsed(sender=ADA))
    await bench.handle(
        verified(mail_parsed(sender=ADA, subject="HELP-1", cc=[customer(1)], text="See Cc."))
    )
    await bench.handle(mail_parsed(sender=customer(1), subject="HELP-1", text="Thanks."))
    assert await watchers(bench, "HELP-1") == {ADA.address, customer(1).address}


@pytest.mark.parametrize(
    "handler",
    [{"closed_issues": "new_issue"}, {"kind": "create"}],
)
async def test_an_outsider_s_issue_takes_no_conversation_over(
    bench: Bench, handler: dict[str, str]
) -> None:
    """It was the newest of the conversation, so the victim's next message was a comment there."""
    first = mail_parsed(sender=ADA, references=["<colleague@example.org>"])
    await bench.handle(first)
    await transition(bench.desk, AGENT, "HELP-1", "Done")
    await bench.save(MailHandler.model_validate({"name": "all"} | handler))
    attack = mail_parsed(sender=MALLORY, in_reply_to=[str(first.message_id)], cc=[ADA])
    await bench.handle(attack)
    await bench.handle(mail_parsed(sender=ADA, in_reply_to=["<colleague@example.org>"], text=PIN))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue"] * 3
    assert MALLORY.address not in sent_to(bench, PIN)
    # What we send about the outsider's issue leads back to it.
    conversations = await bench.rows("SELECT issue_key, conversation::text FROM issue_index")
    assert dict(conversations)["HELP-2"] == attack.mail_id
    assert dict(conversations)["HELP-3"] == dict(conversations)["HELP-1"]


async def test_an_unproven_sender_makes_no_customer_watch_or_work(bench: Bench) -> None:
    """Fifty customers in Cc got each of ten answers: 500 messages with a stranger's words."""
    known = (Person(address=customer(number).address, name="C") for number in range(50))
    await bench.save(
        CUSTOMERS_ARE_OUTSIDERS, MailHandler(name="all", cc_watchers=True, cc_assignee=True), *known
    )
    first = mail_parsed(sender=MALLORY, cc=[customer(number) for number in range(50)], text=POISON)
    await bench.handle(first)
    for _ in range(10):
        await bench.handle(
            mail_parsed(sender=MALLORY, in_reply_to=[str(first.message_id)], text=POISON)
        )
    assert sent_to(bench, POISON) == set()
    assert await watchers(bench, "HELP-1") == {MALLORY.address}
    assert await bench.rows("SELECT assignee FROM issue") == [(None,)]
