"""A person is notified once, at the address for mail, whatever addresses watch, while active."""

from __future__ import annotations

from postrail import people
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.people import PersonRow
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified

AT_WORK, AT_HOME, OLD = "mia@example.org", "mia@home.example", "mia@old.example"
MIA = PersonRow(address=AT_WORK, name="Mia", addresses=(AT_HOME, AT_WORK, OLD))


async def save(bench: Bench, person: PersonRow) -> None:
    async with transaction(bench.pool) as connection:
        await people.save(connection, person)


async def comment(bench: Bench, sender: str) -> None:
    """Handles a message that names HELP-1 in its subject, in a conversation of its own."""
    mail = mail_parsed(subject="About HELP-1", sender=Address(name="", address=sender), text="Hm.")
    await bench.handle(verified(mail))


def recipients(bench: Bench) -> list[str]:
    """Returns the recipients of the latest notification."""
    return [one.recipient for one in bench.sent(OutgoingQueued)[-1].deliveries]


async def test_a_person_is_notified_once_and_not_of_own_comments(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.handle(mail_parsed())
    await comment(bench, AT_HOME)
    await comment(bench, OLD)
    # Both addresses watch, and Mia is the author under a third one.
    await comment(bench, AT_WORK)
    assert recipients(bench) == ["ada@example.org"]
    await comment(bench, "ada@example.org")
    assert recipients(bench) == [AT_WORK]


async def test_an_inactive_person_is_not_notified(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.handle(mail_parsed())
    await comment(bench, AT_HOME)
    await save(bench, PersonRow(address=AT_WORK, addresses=MIA.addresses, active=False))
    sent = len(bench.sent(OutgoingQueued))
    await comment(bench, "ada@example.org")
    assert len(bench.sent(OutgoingQueued)) == sent


async def test_an_issue_of_a_person_is_confirmed_at_the_address_for_mail(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.handle(mail_parsed(sender=Address(name="Mia", address=AT_HOME)))
    assert recipients(bench) == [AT_WORK]
