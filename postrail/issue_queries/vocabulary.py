"""Reads the names that queries may use: projects, priorities, and the people they name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, tzinfo

from postrail import people
from postrail.database import Connection
from postrail.people import groups
from postrail.query.tree import Query
from postrail.query.values import SHOWN_NAMES
from postrail.query.vocabulary import ProjectWords, Vocabulary
from postrail.tracker import issues


async def vocabulary_for(
    connection: Connection,
    queries: Collection[Query],
    projects: Iterable[ProjectWords],
    priorities: Mapping[int, str],
    *,
    current_user: str | None,
    now: datetime,
    zone: tzinfo,
) -> Vocabulary:
    """Returns the vocabulary of these queries; `current_user` is the address of who asks."""
    words = {word for query in queries for word in query.words()}
    persons = await people.by_address(
        connection,
        [*(word for word in words if "@" in word), *([current_user] if current_user else [])],
    )
    names_groups = any("membersof" in query.text.lower() for query in queries)
    return Vocabulary(
        projects=tuple(projects),
        priorities=priorities,
        people={address: frozenset(one.addresses) for address, one in persons.items()},
        groups=await groups.members(connection, words) if names_groups else {},
        present_keys=await _present_keys(connection, words),
        group_names=await groups.names(connection, SHOWN_NAMES) if names_groups else (),
        current_user=current_user,
        now=now,
        zone=zone,
    )


async def _present_keys(connection: Connection, words: set[str]) -> dict[str, str]:
    """Returns the present keys of the issues that the words name, by these."""
    named = {word.strip().upper() for word in words if "-" in word}
    found = await issues.by_key(connection, sorted(named)) if named else {}
    return {key: issue.issue_key for key, issue in found.items()}
