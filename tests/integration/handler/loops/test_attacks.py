"""Floods that did not stop: two robots, a ticket system, forged replies. Each stops by itself."""

from __future__ import annotations

from collections import Counter

import pytest

from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.operate.deliveries import RELEASE, Filters, all_that_match, carry_out
from postrail.tracker import issues
from postrail.tracker.issues import Involvement, Watcher
from tests.integration.handler.bench import Bench
from tests.integration.handler.loops.exchange import (
    answering,
    exchange,
    opening_tickets,
    outgoing,
    written,
)

ROBOTS = ("ann@robots.example", "bob@machines.example")
TICKETS = "desk@tickets.example"
WATCHERS = 75
FORGED = 150
NO_ANSWER_LIMITS = (
    Limit(name=LimitName.ADDRESS_ANSWERS, value=0),
    Limit(name=LimitName.ADDRESS_ANSWERS_DAILY, value=0),
)


async def held(bench: Bench) -> Counter[str]:
    """Counts the messages that a limit has quarantined, by the limit."""
    found = await bench.rows(
        "SELECT reason FROM incoming_mail WHERE state = 'quarantined'"
        " AND trace ->> 'held_by' = 'limits'"
    )
    return Counter(reason.removeprefix("limit ").partition(":")[0] for (reason,) in found)


async def outcomes(bench: Bench) -> Counter[str]:
    return Counter(outcome for _, outcome, _ in await bench.outcomes())


async def watch(bench: Bench, key: str, *addresses: str) -> None:
    async with transaction(bench.pool) as connection:
        found = await issues.by_key(connection, [key])
        people = tuple(Watcher(address=one, name="") for one in addresses)
        involved = Involvement(
            issue_id=found[key].issue_id, watchers=people, participants=addresses, arrived_at=None
        )
        await issues.record_involvements(connection, [involved])


async def test_two_robots_on_one_issue_stop(bench: Bench) -> None:
    """They exchanged 151 answers in 45 seconds."""
    await bench.arrive(written(ROBOTS[0]))
    await watch(bench, "HELP-1", ROBOTS[1])
    mails = await exchange(bench, {one: answering(one) for one in ROBOTS})
    # A person comments, which both answer: nothing goes on.
    print(f"two robots on one issue: {len(mails)} mails")
    assert await held(bench) == {"conversation_messages": 1}
    assert await outcomes(bench) == {"issue": 1, "comment": 19, "quarantined": 1}
    # The confirmation, and a notification for each of the comments.
    assert len(mails) == 20


async def test_a_robot_that_drops_every_thread_stops(bench: Bench) -> None:
    """It names the issue by its key alone, so each answer is a conversation of its own."""
    await bench.arrive(written(ROBOTS[0]))
    await watch(bench, "HELP-1", ROBOTS[1])

    def by_key(address: str) -> object:
        return lambda got: written(address, subject=f"AW: {got['Subject']}", text=str(got))

    mails = await exchange(bench, {one: by_key(one) for one in ROBOTS})  # type: ignore[misc]
    print(f"two robots without threads: {len(mails)} mails")
    assert await held(bench) == {"conversation_messages": 1}
    assert len(mails) == 20


async def test_a_ticket_system_that_opens_new_tickets_stops(bench: Bench) -> None:
    """It made 78 issues in 45 seconds."""
    await bench.arrive(written(TICKETS, subject="[Ticket #0]"))
    mails = await exchange(bench, {TICKETS: opening_tickets(TICKETS)})
    print(f"a ticket system: {len(mails)} mails")
    # The second issue is not confirmed: an address gets one answer in ten minutes.
    assert await outcomes(bench) == {"issue": 2}
    assert mails == [TICKETS]
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail WHERE issue_key = 'HELP-2'")
    assert "not answered: limit address_answers: 1 answer in 10 minutes" in reason


async def test_a_patient_ticket_system_stops_within_a_day(bench: Bench) -> None:
    await bench.arrive(written(TICKETS, subject="[Ticket #0]"))
    mails = await exchange(bench, {TICKETS: opening_tickets(TICKETS)}, minutes=11)
    print(f"a ticket system that waits eleven minutes: {len(mails)} mails")
    assert len(mails) == 20
    assert await outcomes(bench) == {"issue": 21}


async def test_without_limits_for_answers_the_one_for_senders_stops_it(bench: Bench) -> None:
    await bench.save(*NO_ANSWER_LIMITS)
    await bench.arrive(written(TICKETS, subject="[Ticket #0]"))
    mails = await exchange(bench, {TICKETS: opening_tickets(TICKETS)})
    print(f"a ticket system without limits for answers: {len(mails)} mails")
    assert await outcomes(bench) == {"issue": 20, "quarantined": 1}
    assert await held(bench) == {"sender_messages": 1}
    # With another extension for each message it is still the same sender.
    for number in range(3):
        await bench.arrive(written(f"Desk+{number}@tickets.example", subject="new"))
    assert await held(bench) == {"sender_messages": 4}
    # Two hours later, the sender may write again.
    bench.clock.move(121 * 60)
    await bench.arrive(written(TICKETS, subject="later"))
    assert (await outcomes(bench))["issue"] == 21


@pytest.mark.parametrize("forged_as", ["a watcher", "many watchers", "strangers"])
async def test_forged_replies_stop(bench: Bench, forged_as: str) -> None:
    """150 of them made 11,326 mails to 75 strangers."""
    first = "<first@shop.example>"
    await bench.arrive(written("ada@shop.example", fields={"Message-ID": first}))
    watchers = [f"w{number}@shop.example" for number in range(WATCHERS)]
    await watch(bench, "HELP-1", *watchers)
    await outgoing(bench)
    senders = {
        "a watcher": ["w0@shop.example"],
        "many watchers": watchers,
        "strangers": [f"m{number}@evil.example" for number in range(FORGED)],
    }[forged_as]
    for number in range(FORGED):
        forged = written(
            senders[number % len(senders)],
            subject="Re: Printer on fire",
            text=f"Pay here: {number}",
            fields={"In-Reply-To": first},
        )
        await bench.arrive(forged)
    mails = [to for to, _ in await outgoing(bench)]
    print(f"{FORGED} replies forged as {forged_as}: {len(mails)} mails")
    # The first comes from Ada herself, so twenty of its people take effect; strangers count apart.
    comments = 20 if forged_as == "strangers" else 19
    held_back = FORGED - comments
    assert await outcomes(bench) == {"issue": 1, "comment": comments, "quarantined": held_back}
    if forged_as == "strangers":
        assert mails == []
        return
    waiting = await bench.rows("SELECT count(*), min(reply) FROM delivery WHERE state = 'held'")
    # Seven comments to each of the others, until the issue had 500 notifications.
    assert len(mails) == 7 * WATCHERS
    assert waiting == [
        (
            12 * WATCHERS,
            "limit issue_notifications: 500 notifications in 60 minutes, which HELP-1 has reached",
        )
    ]
    # A person who finds them harmless releases them.
    async with transaction(bench.pool) as connection:
        found = await all_that_match(connection, RELEASE, Filters(issue_key="HELP-1"))
        released = await carry_out(connection, RELEASE, found, "Sam", bench.clock.now())
    assert len(released) == len(await outgoing(bench)) == 12 * WATCHERS


async def test_a_monitoring_system_is_not_braked(bench: Bench) -> None:
    """Alarms are marked as automatic, or an operator names their sender."""
    await bench.save(Limit(name=LimitName.MACHINE_MESSAGES, senders=["alarm@monitor.example"]))
    await bench.save(MailHandler(name="alarms", kind="create"))
    marked = {"Auto-Submitted": "auto-generated"}
    for number in range(30):
        await bench.arrive(written("alarm@monitor.example", subject=f"Disk {number}"))
        await bench.arrive(written("a@other.example", subject=f"Disk {number}", fields=marked))
    assert await outcomes(bench) == {"issue": 60}


async def test_the_people_of_the_project_are_told_once_an_hour(bench: Bench) -> None:
    lead = Person(address="lead@example.com", name="Lead")
    project = Project(key="HELP", name="Help desk", lead=lead.address)
    await bench.save(lead, project)
    await bench.save(
        Limit(name=LimitName.SENDER_MESSAGES, value=3),
        Limit(name=LimitName.ISSUE_NOTIFICATIONS, value=1),
    )
    first = "<first@shop.example>"
    await bench.arrive(written("ada@shop.example", fields={"Message-ID": first}))
    await watch(bench, "HELP-1", "bo@shop.example")
    for _ in range(6):
        answer = {"In-Reply-To": first}
        await bench.arrive(written("ada@shop.example", subject="Re: fire", fields=answer))
    told = await bench.rows(
        "SELECT subject, count(*) FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        " WHERE recipient = 'lead@example.com' AND purpose = 'notice' GROUP BY 1 ORDER BY 1"
    )
    assert [("sender_messages" in subject, count) for subject, count in told] == [(True, 1)]
    # The sender tells of what the limit of an issue holds.
    held = await bench.rows(
        "SELECT key, (SELECT issue_id::text FROM issue_index) FROM timer WHERE kind = 'held'"
    )
    assert len(held) == 1
    assert held[0][0] == held[0][1]
