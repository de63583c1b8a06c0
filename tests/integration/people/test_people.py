"""Persons are saved and found by any of their addresses, and messages make persons."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postrail import people
from postrail.configuration.person_rows import as_configured
from postrail.database import Connection, Pool, open_pool, rows, transaction
from postrail.people import AddressTaken, PersonNotFound, PersonRow
from postrail.people.changes import add_from_mail
from postrail.settings import DatabaseSettings
from tests.makers.records import NOON

MAIL_ID = str(uuid.uuid4())
ANA = PersonRow(
    address="ana@example.org",
    name="Ana",
    addresses=("ana@example.org", "ana@home.example"),
    groups=("second line", "support"),
    language="de",
    time_zone="Europe/Berlin",
)
BEN = PersonRow(address="ben@example.org", addresses=("ben@example.org",), active=False)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(opened) as connection:
        await people.save(connection, ANA)
        await people.save(connection, BEN)
    yield opened
    await opened.close()


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    async with transaction(pool) as opened:
        yield opened


async def test_all_values_are_stored(connection: Connection) -> None:
    assert await people.everyone(connection) == [ANA, BEN]


async def test_a_person_is_found_by_every_address_in_any_case(connection: Connection) -> None:
    asked = ["Ana@Home.example", "ana@example.org", "BEN@example.org", "cem@example.org"]
    found = await people.by_address(connection, asked)
    assert found == {"ana@home.example": ANA, "ana@example.org": ANA, "ben@example.org": BEN}
    assert await people.by_address(connection, []) == {}
    assert await people.person_of(connection, "Ana@Home.example") == ANA
    with pytest.raises(PersonNotFound, match=r"'cem@example\.org'.*postrail people list"):
        await people.person_of(connection, "cem@example.org")


async def test_mail_goes_to_one_address_of_active_persons_only(connection: Connection) -> None:
    asked = ["Ana@Home.example", "ana@example.org", "ben@example.org", "cem@example.org"]
    found = await people.readers(connection, asked)
    assert {address: reader.address for address, reader in found.items()} == {
        "ana@home.example": "ana@example.org",
        "ana@example.org": "ana@example.org",
        "ben@example.org": "",
    }
    assert await people.readers(connection, []) == {}


async def test_saving_again_replaces_everything(connection: Connection) -> None:
    changed = PersonRow(
        address="ana@home.example", name="A.", active=False, addresses=("ana@home.example", "z@z.z")
    )
    before = await rows(connection, "SELECT person_id FROM person ORDER BY address LIMIT 1")
    await people.save(connection, changed)
    assert await people.everyone(connection) == [changed, BEN]
    # It is the same person, though mail goes to another address.
    after = await rows(connection, "SELECT person_id FROM person ORDER BY address LIMIT 1")
    assert after == before


async def test_an_address_of_two_persons_is_refused(pool: Pool) -> None:
    both = replace(ANA, addresses=(*ANA.addresses, BEN.address))
    with pytest.raises(AddressTaken, match=r"ana@example\.org, ben@example\.org"):
        async with transaction(pool) as connection:
            await people.save(connection, both)
    async with transaction(pool) as connection:
        assert await people.everyone(connection) == [ANA, BEN]


async def test_a_message_makes_a_person_once(connection: Connection) -> None:
    made = [
        await add_from_mail(connection, "Cem@Example.org", " Cem\0 ", mail_id=MAIL_ID, now=NOON)
        for _ in range(2)
    ]
    assert made == [True, False]
    cem = await people.person_of(connection, "cem@example.org")
    assert cem == PersonRow(
        address="cem@example.org", name="Cem", addresses=("cem@example.org",), origin="mail"
    )
    stored = "SELECT origin_mail_id::text, created_at FROM person WHERE origin = 'mail'"
    assert await rows(connection, stored) == [(MAIL_ID, NOON)]
    # An operator's configuration makes the person one like any other.
    await people.save(connection, replace(cem, origin="configuration"))
    assert (await people.person_of(connection, cem.address)).origin == "configuration"


@pytest.mark.parametrize(
    "address",
    [
        # an inactive person's, and another address of somebody
        "ben@example.org",
        "ANA@home.example",
        # no addresses that a configuration could hold
        "",
        "@",
        "no address",
        '"quoted local"@example.org',
        "a@b@example.org",
        "a\n@example.org",
        "x" * 320 + "@example.org",
    ],
)
async def test_a_message_makes_no_person_of_these(connection: Connection, address: str) -> None:
    assert not await add_from_mail(connection, address, "", mail_id=MAIL_ID, now=NOON)
    assert await people.everyone(connection) == [ANA, BEN]


@pytest.mark.parametrize(
    "address", ["İ@example.org", "ΑΣ@example.org", "a\u200b@example.org", "ẞ@b"]
)
async def test_a_person_of_a_message_can_be_configured(
    connection: Connection, address: str
) -> None:
    await add_from_mail(connection, address, "\x1b[31m", mail_id=MAIL_ID, now=NOON)
    for person in await people.everyone(connection):
        assert as_configured(person).address == person.address


async def test_messages_and_a_person_who_add_one_address_at_once_make_one_person(
    pool: Pool,
) -> None:
    async def by_mail() -> bool:
        async with transaction(pool) as connection:
            return await add_from_mail(connection, "new@b.example", "N", mail_id=MAIL_ID, now=NOON)

    async def by_hand() -> bool:
        async with transaction(pool) as connection:
            await people.save(connection, replace(ANA, addresses=(*ANA.addresses, "new@b.example")))
        return True

    async with asyncio.timeout(30):
        made = await asyncio.gather(
            by_mail(), by_hand(), by_mail(), by_mail(), return_exceptions=True
        )
    async with transaction(pool) as connection:
        found = await rows(
            connection, "SELECT person_id FROM person_address WHERE address ~ '^new'"
        )
    assert len(found) == 1
    # Where the message came first, Ana's new address is refused; it is never taken silently.
    assert all(one is True or one is False or isinstance(one, AddressTaken) for one in made)
    assert made.count(True) == 1


@pytest.mark.parametrize("first", ["person", "message"])
async def test_a_message_waits_for_another_one_or_a_person_with_its_address(
    pool: Pool, first: str
) -> None:
    async def by_mail(connection: Connection) -> bool:
        return await add_from_mail(connection, "new@b.example", "N", mail_id=MAIL_ID, now=NOON)

    async def second() -> bool:
        async with transaction(pool) as connection:
            return await by_mail(connection)

    async with asyncio.timeout(30):
        async with transaction(pool) as connection:
            if first == "message":
                assert await by_mail(connection)
            else:
                new = replace(ANA, addresses=(*ANA.addresses, "new@b.example"))
                await people.save(connection, new)
            waiting = asyncio.create_task(second())
            await asyncio.sleep(0.3)
            assert not waiting.done()
        assert await waiting is False
