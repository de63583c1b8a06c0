"""Finds out who is told of an issue once a day, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from postrail import people
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.mentions import is_insider
from postrail.notifications.bundles.daily import next_hour
from postrail.notifications.bundles.pending_message import PendingMessage
from postrail.notifications.bundles.window import Told
from postrail.people import PersonRow, Reader
from postrail.workflow.roles import role_of


async def digests(
    connection: Connection,
    messages: Sequence[PendingMessage],
    readers: Mapping[str, Reader],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[Told, datetime]:
    """Returns when those are told of the issues of these messages who are told once a day."""
    own = {reader.address.lower(): reader for reader in readers.values() if reader.address}
    told = [
        (message.mail.issue_id or 0, address, snapshot.projects.get(message.words.project_key))
        for message in messages
        for delivery in message.mail.deliveries
        if (address := delivery.recipient.lower()) in own
    ]
    undecided = {address for _, address, project in told if _project_decides(own[address], project)}
    persons = await people.by_address(connection, undecided)
    return {
        (issue_id, address): next_hour(own[address].digest_hour, own[address].time_zone, now)
        for issue_id, address, project in told
        if _is_told_daily(own[address], project, persons.get(address))
    }


def _project_decides(reader: Reader, project: Project | None) -> bool:
    return not reader.messages and project is not None and project.messages == "digest"


def _is_told_daily(reader: Reader, project: Project | None, person: PersonRow | None) -> bool:
    """Tells whether the person, or else the project, wants so; customers have to want it."""
    if project is None or not _project_decides(reader, project):
        return reader.messages == "digest"
    return is_insider(role_of(project, person))
