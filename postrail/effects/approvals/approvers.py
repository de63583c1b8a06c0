"""Finds the people whom an approval request names: by address, by group, or as lead."""

from __future__ import annotations

from collections.abc import Sequence

from postrail import people
from postrail.configuration.models.project import GROUP, Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.refused import RequestRefused
from postrail.message_parts import is_address
from postrail.tracker.issues import Watcher

# Stands for the lead of the project of the request's issue.
LEAD = "lead"
APPROVERS_MAX = 50


async def approvers_named(
    connection: Connection, snapshot: ConfigurationSnapshot, named: Sequence[str], project: str
) -> list[Watcher]:
    """Returns the named people, each once, by the address that their mail goes to.

    `project` is the key of the issue's project; "" without an issue. Raises RequestRefused, and
    PersonNotFound for a person who is not active.
    """
    found: dict[str, Watcher] = {}
    for one in named:
        for person in await _persons(connection, snapshot, one.strip().lower(), project):
            found.setdefault(person.address, person)
    for address in found:
        if snapshot.is_own(address):
            raise RequestRefused(
                f"{address} is an address of Postrail itself, which answers nothing",
                remedy="Name the address of a person",
            )
    if len(found) > APPROVERS_MAX:
        raise RequestRefused(
            f"the request names {len(found)} people, and {APPROVERS_MAX} are the most",
            remedy="Name fewer people, or a smaller group",
        )
    return list(found.values())


async def _persons(
    connection: Connection, snapshot: ConfigurationSnapshot, named: str, project: str
) -> list[Watcher]:
    if named == LEAD:
        return await _leads(connection, snapshot.projects.get(project))
    if named.startswith(GROUP):
        return await _members(connection, [named], f"{named} has no active members")
    if not is_address(named):
        raise RequestRefused(
            f"{named!r} is no approver",
            remedy=f"Give an address, {GROUP} and the name of a group, or the word {LEAD}",
        )
    person = await people.find(connection, named)
    if person is None:
        return [Watcher(address=named, name="")]
    person = people.active(person, named)
    return [Watcher(address=person.address, name=person.name)]


async def _leads(connection: Connection, project: Project | None) -> list[Watcher]:
    """Returns the lead of the project, or where it names none, the people in its leads."""
    if project is None:
        raise RequestRefused(
            f"{LEAD!r} stands for the lead of an issue's project, and the request has no issue",
            remedy="Name an issue, or an address",
        )
    named = [project.lead] if project.lead else project.leads
    return await _members(connection, named, f"project {project.key} has no active lead")


async def _members(connection: Connection, named: Sequence[str], nobody: str) -> list[Watcher]:
    """Returns the active persons with these addresses, or in these groups."""
    groups = [one.removeprefix(GROUP) for one in named if one.startswith(GROUP)]
    found = await people.members(connection, named, groups) if named else []
    if not found:
        raise RequestRefused(
            nobody, remedy="Name a person, or see the groups with: postrail people list"
        )
    return [Watcher(address=one.address, name=one.name) for one in found]
