"""Makes persons of senders of messages, and one person of two."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from postrail import people
from postrail.database import Connection, one, storable
from postrail.errors import PermanentError
from postrail.message_parts import is_address
from postrail.people import Origin, PersonRow

# The origins by how much an operator had a part in them.
ORIGINS: tuple[Origin, ...] = ("configuration", "hand", "mail")


class CannotMerge(PermanentError):
    """The two persons cannot become one."""


async def add_from_mail(
    connection: Connection, address: str, name: str, *, mail_id: str, now: datetime
) -> bool:
    """Makes a person of the sender of a message; returns whether it did.

    It does not when the address is somebody's already, also an inactive person's, and when it is
    not a usual one. Takes the lock of `people.lock` only for a new person.
    """
    address = storable(address).lower()
    # The configuration, where the person will be read from, has no others.
    if not is_address(address) or await people.find(connection, address):
        return False
    await people.lock(connection)
    # PostgreSQL may know other small letters than Python does, and refuses the address then.
    found = await one(
        connection,
        "INSERT INTO person (address, name, origin, origin_mail_id, created_at)"
        " SELECT %(address)s, %(name)s, 'mail', %(mail_id)s, %(now)s"
        " WHERE %(address)s = lower(%(address)s) AND NOT EXISTS"
        " (SELECT FROM person_address WHERE address = %(address)s) RETURNING person_id",
        {"address": address, "name": storable(name).strip(), "mail_id": mail_id, "now": now},
    )
    if found is None:
        return False
    await connection.execute(
        "INSERT INTO person_address (address, person_id) VALUES (%s, %s)", [address, found[0]]
    )
    return True


async def merge(connection: Connection, kept: PersonRow, other: PersonRow) -> PersonRow:
    """Gives one person the addresses and groups of another, who is removed; returns the result.

    The kept one's values stay, and blank ones are filled in; the origin is the one that an operator
    had more part in, as it decides about a role. Raises CannotMerge when both are one person. The
    caller has read both under the lock of `people.lock`.
    """
    if kept.address == other.address:
        raise CannotMerge(
            f"{' and '.join(kept.addresses)} are addresses of one person already",
            remedy="Name two persons; see their addresses with: postrail people list",
        )
    merged = replace(
        kept,
        name=kept.name or other.name,
        addresses=tuple(sorted({*kept.addresses, *other.addresses})),
        groups=tuple(sorted({*kept.groups, *other.groups})),
        language=kept.language or other.language,
        time_zone=kept.time_zone or other.time_zone,
        origin=min(kept.origin, other.origin, key=ORIGINS.index),
    )
    # The rows of the addresses stay: issues refer to them.
    await connection.execute(
        "UPDATE person_address SET person_id = (SELECT person_id FROM person WHERE address = %s)"
        " WHERE person_id = (SELECT person_id FROM person WHERE address = %s)",
        [kept.address, other.address],
    )
    await connection.execute("DELETE FROM person WHERE address = %s", [other.address])
    await people.save(connection, merged)
    return merged
