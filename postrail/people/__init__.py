"""Persons and their email addresses: operators configure them, and later mail adds them too.

Owns the tables: person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from postrail.database import Connection, rows


class PersonRow(NamedTuple):
    """One row of the table `person`."""

    # In lower case; the database refuses any other spelling.
    address: str
    name: str
    enabled: bool


async def everyone(connection: Connection) -> list[PersonRow]:
    """Returns all persons, disabled ones included, by address."""
    found = await rows(connection, "SELECT address, name, enabled FROM person ORDER BY address")
    return [PersonRow(*row) for row in found]


async def known(connection: Connection, addresses: Iterable[str]) -> set[str]:
    """Returns those of the addresses, in lower case, that belong to enabled persons."""
    wanted = sorted({address.lower() for address in addresses})
    if not wanted:
        return set()
    found = await rows(
        connection, "SELECT address FROM person WHERE address = ANY(%s) AND enabled", [wanted]
    )
    return {row[0] for row in found}


async def save(connection: Connection, person: PersonRow) -> None:
    """Adds the person, or replaces the one with that address."""
    await connection.execute(
        "INSERT INTO person (address, name, enabled) VALUES (%s, %s, %s)"
        " ON CONFLICT (address) DO UPDATE SET name = excluded.name, enabled = excluded.enabled",
        person,
    )
