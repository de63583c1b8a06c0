"""Persons, their email addresses and groups: operators configure them, and messages add them.

Any of the addresses is the person. Owns the tables: person, person_address, group_member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, LiteralString

from postrail.database import Connection, one, rows, rows_as, stored_as_they_are
from postrail.errors import PermanentError

Origin = Literal["configuration", "hand", "mail"]


class PersonNotFound(PermanentError):
    """No person has the address, or an inactive one where it takes an active one."""


class AddressTaken(PermanentError):
    """The addresses of one person belong to several."""


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
    # "digest": told once a day, at this hour of the person's time zone; "at_once"; "": as the
    # project says.
    messages: str = ""
    digest_hour: int = 7
    # Where the person is from; one that a message made becomes `configuration` by `apply`.
    origin: Origin = "configuration"


# A row of the table `person` as a PersonRow.
PERSON_ROW: LiteralString = """
SELECT address, name, active, language, time_zone, messages, digest_hour, origin,
    ARRAY(SELECT own.address FROM person_address AS own WHERE own.person_id = person.person_id
        ORDER BY own.address) AS addresses,
    ARRAY(SELECT group_name FROM group_member WHERE group_member.person_id = person.person_id
        ORDER BY group_name) AS groups
FROM person"""


async def everyone(connection: Connection) -> list[PersonRow]:
    """Returns all persons, inactive ones included, by address."""
    return _tuples(await rows_as(connection, PersonRow, PERSON_ROW + " ORDER BY address"))


async def by_address(connection: Connection, addresses: Iterable[str]) -> dict[str, PersonRow]:
    """Returns the persons to whom these addresses belong, by the address in lower case."""
    wanted = stored_as_they_are(address.lower() for address in addresses)
    if not wanted:
        return {}
    owned = " WHERE person_id IN (SELECT person_id FROM person_address WHERE address = ANY(%s))"
    found = await rows_as(connection, PersonRow, PERSON_ROW + owned, [wanted])
    persons = {address: one for one in _tuples(found) for address in one.addresses}
    return {address: persons[address] for address in wanted if address in persons}


async def members(
    connection: Connection, addresses: Iterable[str], groups: Iterable[str]
) -> list[PersonRow]:
    """Returns the active persons who have one of the addresses or are in one of the groups.

    Addresses and names of groups are given in lower case.
    """
    chosen = (
        " WHERE active AND (person_id IN (SELECT person_id FROM person_address"
        "  WHERE address = ANY(%s))"
        " OR person_id IN (SELECT person_id FROM group_member WHERE lower(group_name) = ANY(%s)))"
        " ORDER BY address"
    )
    wanted = [stored_as_they_are(addresses), stored_as_they_are(groups)]
    return _tuples(await rows_as(connection, PersonRow, PERSON_ROW + chosen, wanted))


async def find(connection: Connection, address: str) -> PersonRow | None:
    """Returns the person to whom the address belongs; None for a stranger's."""
    return (await by_address(connection, [address])).get(address.lower())


async def person_of(connection: Connection, address: str) -> PersonRow:
    """Returns the person to whom the address belongs; raises PersonNotFound."""
    return _existing(await find(connection, address), address)


def active(person: PersonRow | None, address: str) -> PersonRow:
    """Returns the person found by the address; raises PersonNotFound for None and inactive ones."""
    found = _existing(person, address)
    if not found.active:
        raise PersonNotFound(
            f"{address!r} is not active",
            remedy="Give another person, or set active: true and run: postrail apply",
        )
    return found


def _existing(person: PersonRow | None, address: str) -> PersonRow:
    if person is None:
        raise PersonNotFound(
            f"there is no person with the address {address!r}",
            remedy="List them with: postrail people list",
        )
    return person


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A person as messages to them need it."""

    # Where mail to the person goes; "" for an inactive one.
    address: str
    # A code of ISO 639-1, and a name of the time zone database; "" if it is not known.
    language: str = ""
    time_zone: str = ""
    # "digest": told once a day, at this hour of the time zone; "at_once"; "": as the project says.
    messages: str = ""
    digest_hour: int = 7


async def readers(connection: Connection, addresses: Iterable[str]) -> dict[str, Reader]:
    """Returns the person behind each of these addresses, by the address in lower case.

    Addresses that belong to no person are left out.
    """
    wanted = sorted({address.lower() for address in addresses})
    if not wanted:
        return {}
    found = await rows(
        connection,
        "SELECT own.address, CASE WHEN active THEN person.address ELSE '' END AS mail, language,"
        "  time_zone, messages, digest_hour"
        " FROM person_address AS own JOIN person USING (person_id) WHERE own.address = ANY(%s)",
        [wanted],
    )
    return {
        own: Reader(
            address=mail,
            language=language,
            time_zone=time_zone,
            messages=messages,
            digest_hour=digest_hour,
        )
        for own, mail, language, time_zone, messages, digest_hour in found
    }


async def lock(connection: Connection) -> None:
    """Keeps other writers of persons waiting until the end of the transaction.

    Against deadlocks, take it after locks of projects and of rows of issue_index, and before those
    of issues.
    """
    await connection.execute("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE")


async def given_up(connection: Connection, person: PersonRow) -> list[str]:
    """Returns the addresses that `save` will take from the person, and locks their rows.

    An assignment to one of them that is under way is committed by then; others wait.
    """
    await lock(connection)
    found = await rows(
        connection,
        "SELECT address FROM person_address WHERE address <> ALL(%(own)s) AND person_id IN"
        " (SELECT person_id FROM person_address WHERE address = ANY(%(own)s))"
        " ORDER BY address FOR UPDATE",
        {"own": _own(person)},
    )
    return [row[0] for row in found]


async def save(connection: Connection, person: PersonRow) -> None:
    """Adds the person, or replaces the one to whom the addresses belong.

    Raises AddressTaken when they belong to several.
    """
    await lock(connection)
    person_id = await _stored_as(connection, person) or await _added(connection, person)
    await connection.execute(
        "UPDATE person SET address = %s, name = %s, active = %s, language = %s, time_zone = %s,"
        " messages = %s, digest_hour = %s, origin = %s WHERE person_id = %s",
        [
            person.address,
            person.name,
            person.active,
            person.language,
            person.time_zone,
            person.messages,
            person.digest_hour,
            person.origin,
            person_id,
        ],
    )
    await _replace_addresses(connection, person_id, _own(person))
    await _replace_groups(connection, person_id, sorted(person.groups))


async def _stored_as(connection: Connection, person: PersonRow) -> int | None:
    found = await rows(
        connection,
        "SELECT person_id, address FROM person WHERE person_id IN"
        " (SELECT person_id FROM person_address WHERE address = ANY(%s)) ORDER BY address",
        [_own(person)],
    )
    if len(found) > 1:
        holders = [row[1] for row in found]
        raise AddressTaken(
            f"{', '.join(_own(person))} belong to several persons: {', '.join(holders)}",
            remedy=f"If they are one, merge them: postrail people merge {' '.join(holders[:2])}",
        )
    return found[0][0] if found else None


async def _added(connection: Connection, person: PersonRow) -> int:
    found = await one(
        connection,
        "INSERT INTO person (address) VALUES (%s) RETURNING person_id",
        [person.address],
    )
    assert found is not None
    return int(found[0])


async def _replace_addresses(connection: Connection, person_id: int, addresses: list[str]) -> None:
    await connection.execute(
        "DELETE FROM person_address WHERE person_id = %s AND address <> ALL(%s)",
        [person_id, addresses],
    )
    await connection.execute(
        "INSERT INTO person_address (person_id, address) SELECT %s, unnest(%s::text[])"
        " ON CONFLICT DO NOTHING",
        [person_id, addresses],
    )


async def _replace_groups(connection: Connection, person_id: int, groups: list[str]) -> None:
    await connection.execute(
        "DELETE FROM group_member WHERE person_id = %s AND group_name <> ALL(%s)",
        [person_id, groups],
    )
    await connection.execute(
        "INSERT INTO group_member (person_id, group_name) SELECT %s, unnest(%s::text[])"
        " ON CONFLICT DO NOTHING",
        [person_id, groups],
    )


def _own(person: PersonRow) -> list[str]:
    return sorted({person.address, *person.addresses})


def _tuples(found: list[PersonRow]) -> list[PersonRow]:
    """Returns the rows with tuples in the place of PostgreSQL's arrays, which are lists."""
    return [replace(one, addresses=tuple(one.addresses), groups=tuple(one.groups)) for one in found]
