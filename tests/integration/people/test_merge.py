"""Two persons become one, with the addresses, groups and roles of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations

import pytest

from postrail import people
from postrail.configuration import load, store
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.models.project import Project
from postrail.configuration.yaml_read import parse_file
from postrail.database import Pool, open_pool, rows, transaction
from postrail.errors import PermanentError
from postrail.operate.people import MergedPeople, merge_people
from postrail.people import PersonNotFound, PersonRow
from postrail.people.changes import CannotMerge
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from postrail.workflow.roles import Role, role_of
from tests.makers.configuration import outgoing_connection
from tests.makers.records import NOON

SECRETS = Secrets(SecretSettings.model_validate({"keys": generate_key()}))
ANA = PersonRow(
    address="ana@example.org", addresses=("ana@example.org",), groups=("support",), language="de"
)
AT_HOME = PersonRow(
    address="ana@home.example",
    name="Ana",
    addresses=("ana@home.example", "ana@old.example"),
    groups=("sales", "support"),
    language="fr",
    time_zone="Europe/Paris",
)
BEN = PersonRow(address="ben@example.org", addresses=("ben@example.org",))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(opened) as connection:
        await store.save(connection, outgoing_connection(), before=None, author="t", now=NOON)
        for person in (ANA, AT_HOME, BEN):
            await people.save(connection, person)
    yield opened
    await opened.close()


async def merge(pool: Pool, kept: str, other: str) -> MergedPeople:
    async with transaction(pool) as connection:
        return await merge_people(connection, kept, other, author="me", now=NOON)


async def everyone(pool: Pool) -> list[PersonRow]:
    async with transaction(pool) as connection:
        return await people.everyone(connection)


async def apply(pool: Pool, text: str) -> None:
    async with transaction(pool) as connection:
        await apply_entries(
            connection, parse_file(text, "f"), SECRETS, file="f", author="me", now=NOON
        )


async def test_addresses_and_groups_come_along_and_blank_values_are_filled_in(pool: Pool) -> None:
    done = await merge(pool, "ana@example.org", "ANA@old.example")
    merged = PersonRow(
        address="ana@example.org",
        name="Ana",
        addresses=("ana@example.org", "ana@home.example", "ana@old.example"),
        groups=("sales", "support"),
        language="de",
        time_zone="Europe/Paris",
    )
    assert done == MergedPeople(person=merged, merged="ana@home.example")
    assert await everyone(pool) == [merged, BEN]


async def test_the_history_has_both_persons(pool: Pool) -> None:
    await merge(pool, "ana@example.org", "ana@home.example")
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT author, name, before->'addresses', after->'addresses' FROM configuration_change"
            " WHERE kind = 'person' ORDER BY change_id",
        )
    assert found == [
        ("me", "ana@example.org", [], ["ana@home.example", "ana@old.example"]),
        ("me", "ana@home.example", ["ana@old.example"], None),
    ]


async def test_roles_of_both_are_kept(pool: Pool) -> None:
    projects = [
        Project(key="ONE", name="1", administrators=["ana@old.example"]),
        Project(key="TWO", name="2", leads=["ana@example.org"], known_people="outsider"),
        Project(key="THREE", name="3", agents=["group:sales"], known_people="outsider"),
    ]
    await merge(pool, "ana@example.org", "ana@home.example")
    person = (await everyone(pool))[0]
    roles = [role_of(project, person) for project in projects]
    assert roles == [Role.ADMINISTRATOR, Role.LEAD, Role.AGENT]


@pytest.mark.parametrize("kept_by_mail", [True, False])
async def test_a_person_whom_an_operator_made_known_stays_known(
    pool: Pool, kept_by_mail: bool
) -> None:
    async with transaction(pool) as connection:
        by_mail = ANA if kept_by_mail else AT_HOME
        await people.save(connection, replace(by_mail, origin="mail"))
    done = await merge(pool, ANA.address, AT_HOME.address)
    assert done.person.origin == "configuration"
    assert (await everyone(pool))[0] == done.person


@pytest.mark.parametrize("active", [True, False])
async def test_the_state_is_that_of_the_first_one(pool: Pool, active: bool) -> None:
    async with transaction(pool) as connection:
        await people.save(connection, replace(ANA, active=active))
        await people.save(connection, replace(AT_HOME, active=not active))
    assert (await merge(pool, ANA.address, AT_HOME.address)).person.active is active


async def test_assigned_issues_stay_assigned(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await store.save(
            connection, Project(key="HELP", name="H"), before=None, author="t", now=NOON
        )
        await connection.execute(
            "INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,"
            " reporter_address, reporter_name, conversation, created_at, changed_at, assignee)"
            " VALUES ('HELP-1', 'HELP', 1, 'Request', 's', '', 'x@x', '', gen_random_uuid(),"
            " now(), now(), 'ana@old.example')"
        )
    await merge(pool, "ana@example.org", "ana@home.example")
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT assignee FROM issue") == [("ana@old.example",)]


@pytest.mark.parametrize(
    ("kept", "other", "error"),
    [
        ("ana@example.org", "ana@example.org", CannotMerge),
        ("ana@home.example", "ana@old.example", CannotMerge),
        ("nobody@example.org", "ana@example.org", PersonNotFound),
        ("ana@example.org", "nobody@example.org", PersonNotFound),
        ("ana@example.org", "", PersonNotFound),
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(
    pool: Pool, kept: str, other: str, error: type[PermanentError]
) -> None:
    with pytest.raises(error) as caught:
        await merge(pool, kept, other)
    assert (other or "''") in str(caught.value) or kept in str(caught.value)
    assert "postrail people list" in caught.value.remedy
    assert await everyone(pool) == [ANA, AT_HOME, BEN]
    async with transaction(pool) as connection:
        assert (
            await rows(connection, "SELECT 1 FROM configuration_change WHERE kind='person'") == []
        )


async def test_merges_at_once_make_one_person(pool: Pool) -> None:
    """Whatever comes first: no address is lost, and no merge goes into a person who is gone."""
    addresses = [ANA.address, AT_HOME.address, BEN.address]
    async with asyncio.timeout(30):
        done = await asyncio.gather(
            *(merge(pool, *pair) for pair in permutations(addresses, 2)), return_exceptions=True
        )
    (person,) = await everyone(pool)
    assert person.addresses == (
        "ana@example.org",
        "ana@home.example",
        "ana@old.example",
        "ben@example.org",
    )
    refused = [one for one in done if isinstance(one, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(one, CannotMerge) for one in refused)


async def test_an_apply_waits_for_a_merge_and_cannot_undo_it(pool: Pool) -> None:
    old_file = "people:\n  - {address: ana@example.org}\n  - {address: ana@home.example}\n"
    async with asyncio.timeout(30):
        async with transaction(pool) as connection:
            await merge_people(
                connection, "ana@example.org", "ana@home.example", author="me", now=NOON
            )
            applying = asyncio.create_task(apply(pool, old_file))
            await asyncio.sleep(0.3)
            assert not applying.done()
        with pytest.raises(ConfigurationFileError, match=r"belongs to the person ana@example\.org"):
            await applying
    merged = await everyone(pool)
    assert [one.address for one in merged] == ["ana@example.org", "ben@example.org"]
    # A file that names the first one only, such as one that never knew the other, changes nothing.
    await apply(pool, "people:\n  - {address: ana@example.org, groups: [support]}\n")
    async with transaction(pool) as connection:
        ana, _ = await load.people(connection)
    assert ana.addresses == ["ana@home.example", "ana@old.example"]
