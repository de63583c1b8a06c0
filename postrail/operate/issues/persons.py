"""Finds the persons that acts name: their authors, assignees and watchers."""

from __future__ import annotations

from postrail import people
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.errors import ConfigurationError
from postrail.operate.issues.act import Actor
from postrail.people import PersonRow
from postrail.tracker.issues import Watcher
from postrail.workflow.rights import Channel


async def known_person(connection: Connection, address: str) -> PersonRow:
    """Returns the active person to whom the address belongs; raises PersonNotFound."""
    wanted = address.strip().lower()
    return people.active(await people.find(connection, wanted), address)


async def actor_with(connection: Connection, address: str, channel: Channel = "command") -> Actor:
    """Returns the person to whom the address belongs as an actor; raises PersonNotFound."""
    person = await known_person(connection, address)
    return Actor(address=person.address, name=person.name, channel=channel)


def help_desk(snapshot: ConfigurationSnapshot, project: Project, option: str) -> Watcher:
    """Returns the address that the project's mail is from, in whose name the operator writes.

    Raises ConfigurationError without one; the remedy is to name a person by `option`.
    """
    sender = snapshot.connection_for(project.key)
    if sender is None:
        raise ConfigurationError(
            f"no outgoing connection sends the mail of project {project.key}",
            remedy=f"Name a person with {option}, or add an outgoing connection",
        )
    return Watcher(address=sender.from_address.lower(), name=sender.from_name)
