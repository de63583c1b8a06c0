"""Decides whom the mentions of a comment notify, and why a name notifies nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail import people
from postrail.configuration.models.project import Project
from postrail.database import Connection
from postrail.people import mentions
from postrail.tracker.issues import Audience, Watcher
from postrail.workflow.rights import Act, Channel, may
from postrail.workflow.roles import Role, role_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """A mentioned name that notifies nobody, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """The people that a comment mentions, and the names that notify nobody."""

    people: tuple[Watcher, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()


NO_MENTIONS = Mentions()


async def resolve(
    connection: Connection,
    names: Sequence[str],
    project: Project,
    role: Role,
    channel: Channel,
    *,
    internal: bool,
) -> Mentions:
    """Returns the people whom a comment by an author of this role may notify by these names."""
    if not names:
        return NO_MENTIONS
    if not may(role, Act.MENTION, channel):
        reason = f"its author is {role} in project {project.key}, and may not mention people"
        return Mentions(unresolved=tuple(Unresolved(name=name, reason=reason) for name in names))
    meant = await mentions.called(connection, names)
    single = [addresses[0] for addresses in meant.values() if len(addresses) == 1]
    persons = await people.by_address(connection, single)
    found: dict[str, Watcher] = {}
    unresolved = []
    for name in names:
        addresses = meant.get(name, [])
        person = persons.get(addresses[0]) if len(addresses) == 1 else None
        if person is None:
            reason = f"it may be {' or '.join(addresses)}" if addresses else "nobody has this name"
            unresolved.append(Unresolved(name=name, reason=reason))
        elif internal and not is_insider(role_of(project, person)):
            unresolved.append(Unresolved(name=name, reason="outsiders see no internal comment"))
        else:
            found[person.address] = Watcher(address=person.address, name=person.name)
    return Mentions(people=tuple(found.values()), unresolved=tuple(unresolved))


def is_insider(role: Role) -> bool:
    """Returns whether people of this role see internal comments."""
    return role.rank >= Role.AGENT.rank


async def insiders_of(
    connection: Connection, audience: Audience, project: Project | None
) -> tuple[Watcher, ...]:
    """Returns the watchers who see internal comments; none of a project that is gone."""
    if project is None:
        return ()
    persons = await people.by_address(connection, [one.address for one in audience.watchers])
    return tuple(
        one
        for one in audience.watchers
        if is_insider(role_of(project, persons.get(one.address.lower())))
    )
