"""Issue numbers on real PostgreSQL: consecutive per project, also under concurrent handlers."""

from __future__ import annotations

import asyncio

import pytest

from postrail.database import (
    Pool,
    one_connection,
    rows,
    transaction,
)
from postrail.errors import PermanentError
from postrail.settings import DatabaseSettings
from postrail.tracker.builtin.numbering import take_numbers
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.makers.drafts import issue_draft
from tests.makers.records import NOON
from tests.servers.databases import migrate_filled

FILLED = """
INSERT INTO project (project_key, name, default_issue_type, next_number)
    VALUES ('HELP', 'n', 'Request', 3), ('SALE', 'n', 'Request', 1);
INSERT INTO issue_type (project_key, name) VALUES ('HELP', 'Request'), ('SALE', 'Request');
INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,
    reporter_address, conversation, created_at, changed_at)
    SELECT 'HELP-' || n, 'HELP', n, 'Request', 's', 'd', 'a@example.org', gen_random_uuid(), now(),
        now()
    FROM generate_series(1, 2) AS n;
"""


async def take(pool: Pool, *projects: str) -> list[int]:
    async with transaction(pool) as connection:
        return await take_numbers(connection, projects)


async def test_numbers_start_at_1_and_follow_the_order_of_the_drafts(pool: Pool) -> None:
    assert await take(pool, "HELP", "SALE", "HELP") == [1, 1, 2]
    assert await take(pool, "SALE", "HELP") == [2, 3]


async def test_an_unknown_project_is_a_permanent_error_and_takes_no_number(pool: Pool) -> None:
    with pytest.raises(PermanentError, match=r"no project NONE.*postrail apply"):
        await take(pool, "NONE")
    with pytest.raises(PermanentError):
        await take(pool, "HELP", "NONE")
    assert await take(pool, "HELP") == [1]


async def test_the_first_issue_of_a_project_may_be_made_by_two_connections_at_once(
    pool: Pool,
) -> None:
    async with transaction(pool) as first:
        assert await take_numbers(first, ["HELP"]) == [1]
        second = asyncio.create_task(take(pool, "HELP"))
        await asyncio.sleep(0.2)
        # It waits until the first number is committed or given back.
        assert not second.done()
    assert await second == [2]


async def test_numbers_of_a_transaction_that_fails_are_given_out_again(pool: Pool) -> None:
    async def fail() -> None:
        async with transaction(pool) as connection:
            await take_numbers(connection, ["HELP"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await take(pool, "HELP") == [1]


async def test_a_batch_that_waits_for_a_project_holds_no_later_one(pool: Pool) -> None:
    """Two batches that took the same projects in other orders would wait for each other."""
    async with transaction(pool) as first:
        await take_numbers(first, ["HELP"])
        waiting = asyncio.create_task(take(pool, "SALE", "HELP"))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            assert await take(pool, "SALE") == [1]
        assert not waiting.done()
    assert await waiting == [2, 2]


async def test_concurrent_handlers_leave_no_gap(pool: Pool) -> None:
    batches = [["HELP", "SALE", "HELP"], ["SALE", "HELP"]] * 20
    async with asyncio.timeout(60):
        taken = await asyncio.gather(*(take(pool, *batch) for batch in batches))
    by_project: dict[str, list[int]] = {"HELP": [], "SALE": []}
    for batch, numbers in zip(batches, taken, strict=True):
        for project, number in zip(batch, numbers, strict=True):
            by_project[project].append(number)
    assert sorted(by_project["HELP"]) == list(range(1, 61))
    assert sorted(by_project["SALE"]) == list(range(1, 41))


async def test_the_numbers_of_a_filled_database_go_on(empty_database_url: str) -> None:
    applied = await migrate_filled(empty_database_url, 10, FILLED)
    assert "0010_issue_numbering.sql" in applied
    settings = DatabaseSettings.model_validate({"url": empty_database_url})
    drafts = [issue_draft(project=project) for project in ("HELP", "SALE")]
    async with one_connection(settings) as connection:
        assert await rows(connection, "SELECT * FROM issue_numbering") == [("HELP", 3)]
        keys = await BuiltinTracker().create_issues(connection, drafts, NOON)
    assert keys == ["HELP-3", "SALE-1"]
