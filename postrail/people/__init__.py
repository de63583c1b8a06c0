"""Persons and their email addresses: operators configure them, and later mail adds them too.

Owns the tables: person, person_address, group_member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import LiteralString

from postrail.database import Connection, rows, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonRow:
    """A person with all addresses and groups."""

    # The address that mail goes to, in lower case; the database refuses any other spelling.
    address: str
    name: str = ""
    active: bool = True
    # All addresses, this one included, in alphabetical order.
    addresses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    # A code of ISO 639-1, and a name of the time zone database; "" if it is not known.
    language: str = ""
    time_zone: str = ""
    # Where the person is from: configuration, hand or mail.
    origin: str = "configuration"


_PERSON: LiteralString = """
SELECT address, name, active, language, time_zone, origin,
    ARRAY(SELECT own.address FROM person_address AS own WHERE own.person_id = person.person_id
        ORDER BY own.address) AS addresses,
    ARRAY(SELECT group_name FROM group_member WHERE group_member.person_id = person.person_id
        ORDER BY group_name) AS groups
FROM person"""


async def everyone(connection: Connection) -> list[PersonRow]:
    """Returns all persons, inactive ones included, by address."""
    return _tuples(await rows_as(connection, PersonRow, _PERSON + " ORDER BY address"))


async def by_address(connection: Connection, addresses: Iterable[str]) -> dict[str, PersonRow]:
    """Returns the persons to whom these addresses belong, by the address in lower case."""
    wanted = sorted({address.lower() for address in addresses})
    if not wanted:
        return {}
    owned = " WHERE person_id IN (SELECT person_id FROM person_address WHERE address = ANY(%s))"
    found = await rows_as(connection, PersonRow, _PERSON + owned, [wanted])
    return {
        address: person
        for person in _tuples(found)
        for address in person.addresses
        if address in wanted
    }


async def known(connection: Connection, addresses: Iterable[str]) -> set[str]:
    """Returns those of the addresses, in lower case, that belong to active persons."""
    wanted = sorted({address.lower() for address in addresses})
    if not wanted:
        return set()
    found = await rows(
        connection,
        "SELECT person_address.address FROM person_address JOIN person USING (person_id)"
        " WHERE person_address.address = ANY(%s) AND active",
        [wanted],
    )
    return {row[0] for row in found}


async def save(connection: Connection, person: PersonRow) -> None:
    """Adds the person, or replaces the one with that address."""
    await connection.execute(
        "INSERT INTO person (address, name, active) VALUES (%s, %s, %s)"
        " ON CONFLICT (address) DO UPDATE SET name = excluded.name, active = excluded.active",
        [person.address, person.name, person.active],
    )
    await connection.execute(
        "INSERT INTO person_address (address, person_id) SELECT address, person_id FROM person"
        " WHERE address = %s ON CONFLICT DO NOTHING",
        [person.address],
    )


def _tuples(found: list[PersonRow]) -> list[PersonRow]:
    """Returns the rows with tuples in the place of PostgreSQL's arrays, which are lists."""
    return [replace(one, addresses=tuple(one.addresses), groups=tuple(one.groups)) for one in found]
