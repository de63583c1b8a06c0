"""A person is known by any address, and notified once, at the address for mail, while active."""

from __future__ import annotations

import uuid

import pytest

from postrail import people
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.people import PersonRow
from postrail.people.changes import add_from_mail
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed

AT_WORK, AT_HOME, OLD = "mia@example.org", "mia@home.example", "mia@old.example"
MIA = PersonRow(address=AT_WORK, name="Mia", addresses=(AT_HOME, AT_WORK, OLD))


async def save(bench: Bench, person: PersonRow) -> None:
    async with transaction(bench.pool) as connection:
        await people.save(connection, person)


async def comment(bench: Bench, sender: str) -> None:
    """Handles a message that names HELP-1 in its subject, in a conversation of its own."""
    mail = mail_parsed(subject="About HELP-1", sender=Address(name="", address=sender), text="Hm.")
    await bench.handle(mail)


def recipients(bench: Bench) -> list[str]:
    """Returns the recipients of the latest notification."""
    return [one.recipient for one in bench.sent(OutgoingQueued)[-1].deliveries]


async def issues_of(bench: Bench) -> list[str]:
    return [row[0] for row in await bench.rows("SELECT issue_key FROM issue ORDER BY number")]


async def test_any_address_of_an_active_person_may_comment_on_any_issue(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.handle(mail_parsed())
    for sender in (AT_WORK, AT_HOME, OLD.upper()):
        await comment(bench, sender)
    assert await issues_of(bench) == ["HELP-1"]
    assert await bench.rows("SELECT count(*) FROM comment") == [(3,)]


@pytest.mark.parametrize("sender", [AT_WORK, AT_HOME])
async def test_an_inactive_person_is_unknown_by_every_address(bench: Bench, sender: str) -> None:
    await save(bench, PersonRow(address=AT_WORK, addresses=MIA.addresses, active=False))
    await bench.handle(mail_parsed())
    await comment(bench, sender)
    assert await issues_of(bench) == ["HELP-1", "HELP-2"]


async def test_a_person_whom_a_message_made_is_no_more_known_than_before(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        await add_from_mail(connection, AT_HOME, "Mia", mail_id=str(uuid.uuid4()), now=NOON)
    await bench.handle(mail_parsed())
    await comment(bench, AT_HOME)
    assert await issues_of(bench) == ["HELP-1", "HELP-2"]


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
