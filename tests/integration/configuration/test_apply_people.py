"""People of a postrail.yaml in a database where issues name their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from postrail.configuration import load, store
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.models.project import Project
from postrail.configuration.yaml_read import parse_file
from postrail.database import Pool, open_pool, rows, transaction
from postrail.errors import ConfigurationError
from postrail.people import AddressTaken
from postrail.people.changes import add_from_mail
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from tests.makers.configuration import outgoing_connection
from tests.makers.records import NOON

SECRETS = Secrets(SecretSettings.model_validate({"keys": generate_key()}))
ANA = "people:\n  - {address: ana@example.org, addresses: [ana@home.example]}\n"
WITHOUT_HOME = "people:\n  - {address: ana@example.org, addresses: []}\n"
ASSIGN = "UPDATE issue SET assignee = 'ana@home.example' WHERE number <= %s"


async def apply(pool: Pool, text: str, *, dry_run: bool = False) -> None:
    async with transaction(pool) as connection:
        await apply_entries(
            connection,
            parse_file(text, "f"),
            SECRETS,
            file="f",
            author="me",
            now=NOON,
            dry_run=dry_run,
        )


async def addresses(pool: Pool) -> list[str]:
    async with transaction(pool) as connection:
        return [one for person in await load.people(connection) for one in person.all_addresses]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Opens a database with Ana and seven issues."""
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(opened) as connection:
        for thing in (outgoing_connection(), Project(key="HELP", name="H")):
            await store.save(connection, thing, before=None, author="t", now=NOON)
        await connection.execute(
            "INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,"
            " reporter_address, reporter_name, conversation, created_at, changed_at)"
            " SELECT 'HELP-' || n, 'HELP', n, 'Request', 's', '', 'x@x', '', gen_random_uuid(),"
            " now() + n * interval '1 s', now() FROM generate_series(1, 7) AS n"
        )
    await apply(opened, ANA)
    yield opened
    await opened.close()


async def test_another_address_for_mail_keeps_the_person_and_the_issues(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(ASSIGN, [1])
        before = await rows(connection, "SELECT person_id FROM person")
    await apply(
        pool,
        "people:\n  - {address: ana@home.example, addresses: [ana@example.org, new@example.org]}\n",
    )
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT person_id FROM person") == before
        changes = await rows(
            connection,
            "SELECT name, before->>'address' FROM configuration_change WHERE kind = 'person'"
            " ORDER BY change_id",
        )
    assert changes == [("ana@example.org", None), ("ana@home.example", "ana@example.org")]
    assert await addresses(pool) == ["ana@home.example", "ana@example.org", "new@example.org"]


async def test_an_address_that_issues_are_assigned_to_stays(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(ASSIGN, [7])
    for dry_run in (True, False):
        with pytest.raises(ConfigurationFileError) as caught:
            await apply(pool, WITHOUT_HOME, dry_run=dry_run)
        assert str(caught.value) == (
            "f:2: person 'ana@example.org', addresses: issues are assigned to ana@home.example:"
            " HELP-1, HELP-2, HELP-3, HELP-4, HELP-5, … (7 in all); keep the address, or give the"
            " issues another"
        )
    assert await addresses(pool) == ["ana@example.org", "ana@home.example"]
    async with transaction(pool) as connection:
        await connection.execute(b"UPDATE issue SET assignee = 'ana@example.org'")
    await apply(pool, WITHOUT_HOME)
    assert await addresses(pool) == ["ana@example.org"]


async def test_an_address_in_a_custom_field_of_an_issue_stays(pool: Pool) -> None:
    project = "projects:\n  - {key: HELP, name: x, fields: [%s]}\n"
    await apply(pool, project % "{name: Owner, kind: person}, {name: Note, kind: text}")
    async with transaction(pool) as connection:
        await connection.execute(
            b"INSERT INTO custom_value (issue_key, project_key, field, place, text_value) VALUES"
            b" ('HELP-2', 'HELP', 'Owner', 1, 'ana@home.example'),"
            b" ('HELP-3', 'HELP', 'Note', 1, 'ana@home.example')"
        )
    with pytest.raises(ConfigurationFileError) as caught:
        await apply(pool, WITHOUT_HOME)
    assert str(caught.value) == (
        "f:2: person 'ana@example.org', addresses: custom fields of issues hold ana@home.example:"
        " HELP-2 (1 in all); keep the address, or give the issues another"
    )
    assert await addresses(pool) == ["ana@example.org", "ana@home.example"]
    async with transaction(pool) as connection:
        await connection.execute(b"DELETE FROM custom_value WHERE field = 'Owner'")
    await apply(pool, WITHOUT_HOME)
    assert await addresses(pool) == ["ana@example.org"]


async def test_an_assignment_under_way_is_waited_for(pool: Pool) -> None:
    async with asyncio.timeout(30):
        async with transaction(pool) as connection:
            await connection.execute(ASSIGN, [1])
            applying = asyncio.create_task(apply(pool, WITHOUT_HOME))
            await asyncio.sleep(0.3)
            assert not applying.done()
        with pytest.raises(ConfigurationError, match=r"assigned to ana@home\.example: HELP-1 \(1"):
            await applying
    assert await addresses(pool) == ["ana@example.org", "ana@home.example"]


async def test_an_address_that_a_message_took_in_between_is_not_taken_away(pool: Pool) -> None:
    async with asyncio.timeout(30):
        async with transaction(pool) as connection:
            await add_from_mail(
                connection,
                "new@example.org",
                "",
                mail_id="3f2b6a0e-0000-4000-8000-000000000001",
                now=NOON,
            )
            # It has read the people by now, and waits to write Ana.
            applying = asyncio.create_task(
                apply(pool, "people:\n  - {address: ana@example.org, addresses: [new@example.org]}")
            )
            await asyncio.sleep(0.3)
            assert not applying.done()
        with pytest.raises(AddressTaken, match="postrail people merge"):
            await applying
    assert await addresses(pool) == ["ana@example.org", "ana@home.example", "new@example.org"]
