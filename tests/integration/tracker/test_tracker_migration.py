"""The migration to the tracker of a team locks its tables, so it may not read the large ones."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from postrail.database import migration_files

NUMBER = 20
LARGE = ["issue", "comment", "attachment", "issue_index", "issue_alias", "outgoing_mail"]
SCANS = """
SELECT relname, seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)
ORDER BY 1"""
FILES = "SELECT relname, relfilenode FROM pg_class WHERE relname = ANY(%s) ORDER BY 1"
NOT_VALID = """
SELECT conname FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s) AND NOT convalidated"""


async def migrate(connection: psycopg.AsyncConnection[Any], *numbers: int) -> None:
    for number, _, text in migration_files():
        if number in numbers:
            await connection.execute(text.encode())


async def values(connection: psycopg.AsyncConnection[Any], statement: str) -> list[Any]:
    return await (await connection.execute(statement.encode(), [LARGE])).fetchall()


@pytest.fixture
async def before(empty_database_url: str) -> Any:
    """Connects to a database of the release before."""
    async with await psycopg.AsyncConnection.connect(empty_database_url) as connection:
        await migrate(connection, *range(NUMBER))
        await connection.commit()
        yield connection


async def test_large_tables_are_not_read_under_the_lock(
    before: psycopg.AsyncConnection[Any],
) -> None:
    files, scans = await values(before, FILES), await values(before, SCANS)
    await migrate(before, NUMBER)
    assert await values(before, SCANS) == scans
    # Nor are they written anew.
    assert await values(before, FILES) == files


async def test_the_next_migration_checks_the_rows(before: psycopg.AsyncConnection[Any]) -> None:
    await migrate(before, NUMBER)
    await before.commit()
    await migrate(before, NUMBER + 1)
    # Types of old issues may have been removed from their projects.
    assert await values(before, NOT_VALID) == [("issue_type_of_project",)]
