"""The people that names mean, among very many people."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from postrail.database import Pool, open_pool, transaction
from postrail.people.mentions import MENTIONS_MAX, called
from postrail.settings import DatabaseSettings

PEOPLE = 20_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    yield opened
    await opened.close()


async def test_names_are_found_among_many_people(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "WITH made AS (INSERT INTO person (address, name, active)"
            " SELECT 'user' || n || '@example.com', 'First' || n || ' Middle Last' || n, n <> 7"
            " FROM generate_series(1, %s) AS n RETURNING address, person_id)"
            " INSERT INTO person_address SELECT * FROM made",
            [PEOPLE],
        )
        await connection.execute(
            "INSERT INTO person_address SELECT 'user5@other.example', person_id FROM person"
            " WHERE address = 'user6@example.com'"
        )
        # A name from a message has any length.
        await connection.execute(
            "UPDATE person SET name = 'Ada ' || (SELECT string_agg(md5(n::text), '')"
            " FROM generate_series(1, 1000) AS n) WHERE address = 'user9@example.com'"
        )
        await connection.execute("ANALYZE person, person_address")
        assert await called(
            connection, ["user1", "first2.last2", "user3@example.com", "user5", "user7", "no"]
        ) == {
            "user1": ["user1@example.com"],
            "first2.last2": ["user2@example.com"],
            "user3@example.com": ["user3@example.com"],
            # Of two persons, one by another address.
            "user5": ["user5@example.com", "user6@example.com"],
        }
        names = [f"user{n}" for n in range(MENTIONS_MAX)]
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            await called(connection, names)
            seconds.append(time.perf_counter() - began)
    # Without the indexes it reads all people, which takes longer.
    assert min(seconds) < 0.05
