"""Finds the persons that acts name: their authors, assignees and watchers."""

from __future__ import annotations

from postrail import people
from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor
from postrail.people import PersonRow
from postrail.workflow.rights import Channel


class UnknownPerson(PermanentError):
    """No active person has this address."""


async def known_person(connection: Connection, address: str) -> PersonRow:
    """Returns the active person to whom the address belongs; raises UnknownPerson."""
    wanted = address.strip().lower()
    person = (await people.by_address(connection, [wanted])).get(wanted)
    if person is None or not person.active:
        problem = "is not active" if person else "is not a known person"
        raise UnknownPerson(
            f"{address!r} {problem}",
            remedy="Give the address of an active person; list them with: postrail people list",
        )
    return person


async def actor_with(connection: Connection, address: str, channel: Channel) -> Actor:
    """Returns the person to whom the address belongs as an actor; raises UnknownPerson."""
    person = await known_person(connection, address)
    return Actor(address=person.address, name=person.name, channel=channel)
