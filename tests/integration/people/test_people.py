"""Persons are saved and found by their addresses."""

from __future__ import annotations

from pydantic import SecretStr

from postrail import people
from postrail.database import one_connection
from postrail.people import PersonRow
from postrail.settings import DatabaseSettings


async def test_enabled_persons_are_known_by_address_in_any_case(database_url: str) -> None:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        await people.save(connection, PersonRow("ana@example.org", "Ana", True))
        await people.save(connection, PersonRow("ben@example.org", "Ben", False))
        asked = ["Ana@Example.org", "ben@example.org", "cem@example.org"]
        assert await people.known(connection, asked) == {"ana@example.org"}
        assert await people.known(connection, []) == set()


async def test_saving_again_replaces_the_name_and_the_state(database_url: str) -> None:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        await people.save(connection, PersonRow("ben@example.org", "Ben", True))
        await people.save(connection, PersonRow("ana@example.org", "", True))
        await people.save(connection, PersonRow("ben@example.org", "Benjamin", False))
        assert await people.everyone(connection) == [
            PersonRow("ana@example.org", "", True),
            PersonRow("ben@example.org", "Benjamin", False),
        ]
