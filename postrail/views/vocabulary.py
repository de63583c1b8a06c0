"""Reads the names that a query may use: projects, priorities, and the people it names."""

from __future__ import annotations

from datetime import datetime, tzinfo

from postrail import people
from postrail.configuration import load
from postrail.configuration.models.project import Project
from postrail.database import Connection, rows
from postrail.query.tree import Query
from postrail.query.values import SHOWN_NAMES
from postrail.query.vocabulary import FieldWords, ProjectWords, Vocabulary
from postrail.tracker import issues


async def vocabulary_for(
    connection: Connection,
    query: Query,
    *,
    current_user: str | None,
    now: datetime,
    zone: tzinfo,
) -> Vocabulary:
    """Returns the vocabulary of one query; `current_user` is the address of who asks."""
    words = set(query.words())
    persons = await people.by_address(
        connection,
        [*(word for word in words if "@" in word), *([current_user] if current_user else [])],
    )
    return Vocabulary(
        projects=tuple(_words(project) for project in await load.projects(connection)),
        priorities={one.level: one.name for one in await load.priorities(connection)},
        people={address: frozenset(one.addresses) for address, one in persons.items()},
        groups=await _groups(connection, words),
        present_keys=await _present_keys(connection, words),
        group_names=await _group_names(connection) if "membersof" in query.text.lower() else (),
        current_user=current_user,
        now=now,
        zone=zone,
    )


def _words(project: Project) -> ProjectWords:
    return ProjectWords(
        key=project.key,
        name=project.name,
        types={one.name: one.number for one in project.issue_types},
        statuses={one.name: one.category for one in project.statuses},
        components=tuple(project.components),
        fields=tuple(
            FieldWords(name=one.name, kind=one.kind, choices=tuple(one.choices))
            for one in project.fields
        ),
        language=project.language,
    )


async def _group_names(connection: Connection) -> tuple[str, ...]:
    found = await rows(
        connection,
        "SELECT DISTINCT group_name FROM group_member ORDER BY group_name LIMIT %s",
        [SHOWN_NAMES],
    )
    return tuple(name for (name,) in found)


async def _groups(connection: Connection, words: set[str]) -> dict[str, frozenset[str]]:
    """Returns the addresses of the members of those groups that the words name."""
    found = await rows(
        connection,
        "SELECT group_name, array_agg(address) FROM group_member"
        " JOIN person_address USING (person_id) WHERE group_name = ANY(%s) GROUP BY group_name",
        [[form for word in words for form in (word, word.lower())]],
    )
    return {name: frozenset(addresses) for name, addresses in found}


async def _present_keys(connection: Connection, words: set[str]) -> dict[str, str]:
    """Returns the present keys of the issues that the words name, by these."""
    named = {word.strip().upper() for word in words if "-" in word}
    found = await issues.by_key(connection, sorted(named)) if named else {}
    return {key: issue.issue_key for key, issue in found.items()}
