"""Persons are saved and found by their addresses."""

from __future__ import annotations

from pydantic import SecretStr

from postrail import people
from postrail.database import one_connection
from postrail.people import PersonRow
from postrail.settings import DatabaseSettings


async def test_active_persons_are_known_by_address_in_any_case(database_url: str) -> None:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        await people.save(connection, PersonRow(address="ana@example.org", name="Ana", active=True))
        await people.save(
            connection, PersonRow(address="ben@example.org", name="Ben", active=False)
        )
        asked = ["Ana@Example.org", "ben@example.org", "cem@example.org"]
        assert await people.known(connection, asked) == {"ana@example.org"}
        assert await people.known(connection, []) == set()


async def test_saving_again_replaces_the_name_and_the_state(database_url: str) -> None:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        await people.save(connection, PersonRow(address="ben@example.org", name="Ben", active=True))
        await people.save(connection, PersonRow(address="ana@example.org", name="", active=True))
        await people.save(
            connection, PersonRow(address="ben@example.org", name="Benjamin", active=False)
        )
        found = [(one.address, one.name, one.active) for one in await people.everyone(connection)]
        assert found == [("ana@example.org", "", True), ("ben@example.org", "Benjamin", False)]
