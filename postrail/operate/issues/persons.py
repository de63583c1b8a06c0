"""Finds the persons that acts name: their authors, assignees and watchers."""

from __future__ import annotations

from postrail import people
from postrail.database import Connection
from postrail.operate.issues.act import Actor
from postrail.people import PersonRow
from postrail.workflow.rights import Channel


async def known_person(connection: Connection, address: str) -> PersonRow:
    """Returns the active person to whom the address belongs; raises PersonNotFound."""
    wanted = address.strip().lower()
    return people.active(await people.find(connection, wanted), address)


async def actor_with(connection: Connection, address: str, channel: Channel = "command") -> Actor:
    """Returns the person to whom the address belongs as an actor; raises PersonNotFound."""
    person = await known_person(connection, address)
    return Actor(address=person.address, name=person.name, channel=channel)
