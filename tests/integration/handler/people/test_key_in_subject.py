"""A key in a subject leads to the issue for participants and agents, by any of their addresses."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from postrail import people
from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.people import PersonRow
from postrail.people.changes import add_from_mail
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed, verified

AT_WORK, AT_HOME, OLD = "mia@example.org", "mia@home.example", "mia@old.example"
UNUSED = "mia@unused.example"
MIA = PersonRow(address=AT_WORK, name="Mia", addresses=(AT_HOME, AT_WORK, OLD, UNUSED))
AGENT = "agent@example.com"
HELP = Project(key="HELP", name="Help desk")


async def save(bench: Bench, person: PersonRow) -> None:
    async with transaction(bench.pool) as connection:
        await people.save(connection, person)


async def comments(bench: Bench, sender: str, *, key: str = "HELP-1", mailbox: str = "") -> bool:
    """Handles a message in a conversation of its own; returns whether it became a comment."""
    mail = mail_parsed(subject=f"About {key}", sender=Address(name="", address=sender), text="Hm.")
    await bench.handle(verified(replace(mail, mailbox=mailbox or mail.mailbox)))
    return (await bench.outcomes())[-1] == ("done", "comment", key)


async def test_any_address_of_an_agent_may_comment_on_any_issue(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.handle(mail_parsed())
    for sender in (AT_WORK, AT_HOME, OLD.upper()):
        assert await comments(bench, sender)


@pytest.mark.parametrize("sender", [AT_WORK, AT_HOME])
async def test_an_inactive_person_is_unknown_by_every_address(bench: Bench, sender: str) -> None:
    await save(bench, replace(MIA, active=False))
    await bench.handle(mail_parsed())
    assert not await comments(bench, sender)


async def test_a_person_whom_a_message_made_is_no_agent(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        await add_from_mail(connection, AT_HOME, "Mia", mail_id=str(uuid.uuid4()), now=NOON)
    await bench.handle(mail_parsed())
    assert not await comments(bench, AT_HOME)
    # Until a list of the project names the person.
    await bench.save(HELP.model_copy(update={"agents": [AT_HOME]}))
    assert await comments(bench, AT_HOME)


@pytest.mark.parametrize(
    "setting",
    [{"outsiders": [AGENT]}, {"outsiders": ["group:second line"]}, {"known_people": "outsider"}],
)
async def test_a_person_whom_a_project_makes_an_outsider_needs_to_take_part(
    bench: Bench, setting: dict[str, object]
) -> None:
    await save(bench, PersonRow(address=AGENT, name="Agent", groups=("second line",)))
    await bench.save(HELP.model_copy(update=setting))
    await bench.handle(mail_parsed(), mail_parsed(mailbox="sales"))
    assert not await comments(bench, AGENT)
    # The role is that of the issue's project, whatever mailbox received the message.
    assert await comments(bench, AGENT, key="SALE-1")
    await bench.handle(mail_parsed(cc=[Address(name="", address=AGENT)]))
    assert await comments(bench, AGENT, key="HELP-3")


async def test_an_agent_takes_part_in_a_batch_with_an_outsider(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    senders = [Address(name="", address=one) for one in ("mallory@example.net", AGENT)]
    keyed = (mail_parsed(subject="HELP-1", sender=sender) for sender in senders)
    await bench.handle(*map(verified, keyed))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "issue", "comment"]


async def test_an_agent_who_is_not_verified_has_no_rights_of_an_agent(bench: Bench) -> None:
    """Anyone can write the address of an agent into From."""
    await bench.handle(mail_parsed())
    claimed, proven = (
        mail_parsed(subject="HELP-1", sender=Address(name="", address=AGENT)) for _ in range(2)
    )
    await bench.handle(claimed, verified(proven))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "issue", "comment"]


async def test_an_outsider_takes_part_by_any_address(bench: Bench) -> None:
    await save(bench, MIA)
    await bench.save(HELP.model_copy(update={"known_people": "outsider"}))
    await bench.handle(mail_parsed(sender=Address(name="Mia", address=AT_HOME)))
    await bench.handle(mail_parsed())
    assert await comments(bench, AT_WORK)
    assert await comments(bench, OLD.upper())
    assert not await comments(bench, AT_WORK, key="HELP-2")
    # Without being active, by the address that wrote alone.
    await save(bench, replace(MIA, active=False))
    assert not await comments(bench, UNUSED)
    assert await comments(bench, AT_HOME)
