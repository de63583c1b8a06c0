"""Senders who become persons while several processes write persons: no deadlock, each once."""

from __future__ import annotations

import asyncio

import pytest

from postrail.configuration import store
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.configuration.project_rows import PROJECT
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.records import MailParsed
from services.handler.step import Handler
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed
from tests.servers.databases import until_lock_waits

ROUNDS = 8
LIMIT_SECONDS = 90


def mail_of(number: int, **fields: object) -> MailParsed:
    sender = Address(name="", address=f"customer{number}@elsewhere.example")
    return mail_parsed(**{"sender": sender, **fields})


@pytest.fixture
async def desk(bench: Bench) -> Bench:
    await bench.save(MailHandler(name="desk", create_users=True, closed_issues="reopen"))
    return bench


async def require_one_try(bench: Bench) -> None:
    """Checks that no message was tried again, as one whose transaction met a deadlock is."""
    assert await bench.rows(
        "SELECT count(*) FROM incoming_mail WHERE state <> 'done' OR attempts > 1"
    ) == [(0,)]


async def test_two_handlers_make_each_sender_a_person_once(desk: Bench) -> None:
    other, other_offsets = desk.another()
    other_offsets.expect({1: None})
    first = mail_parsed()
    await desk.handle(first)
    answers = [str(first.message_id)]

    async def work(handler: Handler) -> None:
        while await desk.rows("SELECT 1 FROM incoming_mail WHERE state = 'new'"):
            await handler._batch.work(3)

    async with asyncio.timeout(LIMIT_SECONDS):
        for turn in range(ROUNDS):
            senders = [*range(turn, turn + 4), *reversed(range(turn, turn + 4))]
            # New issues and comments on one, of the same senders in both orders.
            mails = [
                mail_of(one, in_reply_to=answers if place % 2 else [], text=f"{turn} {place}")
                for place, one in enumerate(senders)
            ]
            await desk.take_in(*mails)
            await asyncio.gather(work(desk.handler), work(other))
    await require_one_try(desk)
    found = await desk.rows("SELECT count(*) FROM person WHERE origin = 'mail'")
    # Ada wrote the first one.
    assert found == [(ROUNDS + 3 + 1,)]


async def test_persons_are_made_beside_a_change_of_project_and_persons(desk: Bench) -> None:
    """Begins a batch while an apply has changed the project, and has the persons before it."""
    before = Project(key="HELP", name="Help desk")
    project = Project(key="HELP", name="Help desk", components=["Door"])
    async with asyncio.timeout(LIMIT_SECONDS):
        async with transaction(desk.pool) as connection:
            await store.lock(connection, PROJECT, ["HELP"])
            await desk.take_in(mail_of(1))
            batch = asyncio.create_task(desk.work())
            await until_lock_waits(connection)
            await store.save(connection, project, before=before, author="test", now=NOON)
            await store.save(
                connection, Person(address="new@example.org"), before=None, author="t", now=NOON
            )
        await batch
    await require_one_try(desk)
    assert await desk.outcomes() == [("done", "issue", "HELP-1")]
