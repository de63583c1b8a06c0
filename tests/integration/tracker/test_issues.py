"""What we record about issues of any tracker, on real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postrail.database import Pool, rows, transaction
from postrail.tracker import issues
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.issues import Involvement, KeyInSubject, NamedInSubject, Watcher
from tests.makers.drafts import CONVERSATION, issue_draft
from tests.makers.records import NOON

ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")


@pytest.fixture
async def keys(pool: Pool) -> list[str]:
    async with transaction(pool) as connection:
        return await BuiltinTracker().create_issues(
            connection, [issue_draft(), issue_draft(project="SALE", summary="Offer")], NOON
        )


async def involve(pool: Pool, *involved: Involvement) -> None:
    async with transaction(pool) as connection:
        await issues.record_involvements(connection, involved)


async def read(pool: Pool, statement: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as connection:
        return await rows(connection, statement)


def involvement(key: str, watcher: Watcher | None = None, **fields: Any) -> Involvement:
    return Involvement(
        **{"issue_key": key, "watcher": watcher, "participants": (), "arrived_at": None, **fields}
    )


async def test_people_and_addresses_are_recorded_once(pool: Pool, keys: list[str]) -> None:
    first, second = keys
    one = involvement(
        first,
        ADA,
        participants=("ada@example.org", "cy@example.org"),
        arrived_at="help@example.com",
    )
    await involve(pool, one, involvement(second, BO), one)
    await involve(pool, one)
    assert await read(pool, "SELECT * FROM watcher ORDER BY issue_key") == [
        (first, ADA.address, "Ada"),
        (second, BO.address, "Bo"),
    ]
    assert await read(pool, "SELECT * FROM participant ORDER BY address") == [
        (first, "ada@example.org"),
        (first, "cy@example.org"),
    ]
    assert await read(pool, "SELECT * FROM issue_address") == [(first, "help@example.com")]


async def test_a_watcher_is_the_same_one_in_capitals(pool: Pool, keys: list[str]) -> None:
    await involve(pool, involvement(keys[0], ADA))
    await involve(pool, involvement(keys[0], Watcher(address="Ada@Example.org", name="A.")))
    assert await read(pool, "SELECT address, name FROM watcher") == [(ADA.address, "Ada")]


async def test_a_further_address_is_noted(pool: Pool, keys: list[str]) -> None:
    await involve(pool, involvement(keys[0], arrived_at="help@example.com"))
    async with transaction(pool) as connection:
        for _ in range(2):
            await issues.note_addresses(connection, [(keys[0], "info@example.com")])
    assert await read(pool, "SELECT address FROM issue_address ORDER BY 1") == [
        ("help@example.com",),
        ("info@example.com",),
    ]


async def test_audiences_are_those_of_existing_issues(pool: Pool, keys: list[str]) -> None:
    first, second = keys
    await involve(pool, involvement(first, BO), involvement(first, ADA))
    async with transaction(pool) as connection:
        found = await issues.audiences(connection, [second, first, "HELP-9", first])
    assert set(found) == {first, second}
    assert found[first].watchers == (ADA, BO)
    assert (found[first].project, found[first].summary) == ("HELP", "Printer on fire")
    assert (found[second].project, found[second].summary) == ("SALE", "Offer")
    assert (found[second].watchers, found[second].conversation) == ((), CONVERSATION)


async def test_named_issues_exist_and_say_whether_the_sender_takes_part(
    pool: Pool, keys: list[str]
) -> None:
    first, second = keys
    await involve(pool, involvement(first, participants=(ADA.address,)))
    named = [
        KeyInSubject(mail_id="a", issue_key=second, sender=ADA.address),
        KeyInSubject(mail_id="a", issue_key="UTF-8", sender=ADA.address),
        KeyInSubject(mail_id="a", issue_key=first, sender=ADA.address),
        KeyInSubject(mail_id="b", issue_key=first, sender=BO.address),
    ]
    async with transaction(pool) as connection:
        found = await issues.named_issues(connection, named)
        assert await issues.named_issues(connection, []) == []
    assert found == [
        NamedInSubject(mail_id="a", issue_key=second, project="SALE", sender_participates=False),
        NamedInSubject(mail_id="a", issue_key=first, project="HELP", sender_participates=True),
        NamedInSubject(mail_id="b", issue_key=first, project="HELP", sender_participates=False),
    ]


async def test_two_handlers_that_add_the_same_people_never_deadlock(
    pool: Pool, keys: list[str]
) -> None:
    people = [Watcher(address=f"{n}@example.org", name=str(n)) for n in range(20)]
    involved = [
        involvement(key, person, participants=(person.address,))
        for key in keys
        for person in people
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(involve(pool, *(involved if n % 2 else involved[::-1])) for n in range(20))
        )
    assert await read(pool, "SELECT count(*) FROM watcher") == [(40,)]
