"""People of the release before become persons with an address of their own, active or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from postrail.database import migration_files, rows

NUMBER = 20
FILLED = b"""
INSERT INTO person (address, name, enabled) VALUES
    ('ana@example.org', 'Ana', true), ('ben@example.org', '', false);
"""


@pytest.fixture
async def filled(empty_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Makes a database at the release before, with two people."""
    connection = await psycopg.AsyncConnection.connect(empty_database_url)
    async with connection:
        for number, _, text in migration_files():
            if number < NUMBER:
                await connection.execute(text.encode())
        await connection.execute(FILLED)
        yield connection


async def test_people_keep_their_names_and_states(filled: psycopg.AsyncConnection[Any]) -> None:
    text = next(text for number, _, text in migration_files() if number == NUMBER)
    await filled.execute(text.encode())
    # Checks the references that are checked at the end of a transaction.
    await filled.commit()
    found = await rows(
        filled,
        "SELECT person.address, name, active, array_agg(own.address) FROM person"
        " JOIN person_address AS own USING (person_id) GROUP BY 1, 2, 3 ORDER BY 1",
    )
    assert found == [
        ("ana@example.org", "Ana", True, ["ana@example.org"]),
        ("ben@example.org", "", False, ["ben@example.org"]),
    ]
