"""Shows persons: a list, and one with the roles in projects and the issues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail import people
from postrail.configuration import load
from postrail.database import Connection, one, rows, rows_as
from postrail.people import PersonRow
from postrail.workflow.roles import role_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPerson:
    """A person in a list."""

    address: str
    name: str
    active: bool
    # The other addresses.
    addresses: list[str]
    groups: list[str]
    origin: str
    # Those of the addresses that are not written to, as messages to them came back.
    suppressed: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonDetail:
    """A person, the roles in projects, and the numbers of issues; merged ones do not count."""

    person: PersonRow
    # The message that made the person, if one did.
    origin_mail_id: str | None
    created_at: datetime
    # By the project's key.
    roles: dict[str, str]
    reported: int
    assigned: int
    # Those of the addresses that are not written to, each with the reason.
    suppressed: dict[str, str]


_LISTED: LiteralString = f"""
SELECT address, name, active, origin, array_remove(addresses, address) AS addresses, groups,
    ARRAY(SELECT suppression.address FROM suppression
        WHERE released_at IS NULL AND suppression.address = ANY(person.addresses)
        ORDER BY suppression.address) AS suppressed
FROM ({people.PERSON_ROW}) AS person
WHERE %(group)s::text IS NULL OR %(group)s = ANY(groups) ORDER BY address LIMIT %(limit)s"""  # noqa: S608  Our own statement.


async def list_people(
    connection: Connection, *, group: str | None, limit: int
) -> list[ListedPerson]:
    """Returns the persons (of the group), inactive ones included, by address."""
    return await rows_as(
        connection,
        ListedPerson,
        _LISTED,
        {"group": group and group.lower(), "limit": limit},
    )


async def person(connection: Connection, address: str) -> PersonDetail:
    """Returns the person to whom the address belongs; raises PersonNotFound."""
    found = await people.person_of(connection, address)
    values = await one(
        connection,
        "SELECT origin_mail_id::text, created_at,"
        " (SELECT count(*) FROM issue"
        "  WHERE reporter_address = ANY(%(own)s) AND merged_into IS NULL),"
        " (SELECT count(*) FROM issue WHERE assignee = ANY(%(own)s) AND merged_into IS NULL)"
        " FROM person WHERE address = %(address)s",
        {"own": list(found.addresses), "address": found.address},
    )
    assert values is not None
    origin_mail_id, created_at, reported, assigned = values
    suppressed = await rows(
        connection,
        "SELECT address, reason FROM suppression"
        " WHERE released_at IS NULL AND address = ANY(%s) ORDER BY address",
        [list(found.addresses)],
    )
    projects = await load.projects(connection)
    return PersonDetail(
        person=found,
        origin_mail_id=origin_mail_id,
        created_at=created_at,
        roles={project.key: role_of(project, found) for project in projects},
        reported=reported,
        assigned=assigned,
        suppressed=dict(suppressed),
    )
