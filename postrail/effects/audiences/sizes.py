"""Counts those whom rules name for an event: a measure of the work, before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.configuration.contexts.recipients import GROUP, ROLES
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.people import groups


async def most_named(connection: Connection, snapshot: ConfigurationSnapshot) -> dict[str, int]:
    """Returns, by project, how many the rule with the most people names, without its roles.

    A rule of any context may be the one of an issue.
    """
    if not snapshot.ruled_events:
        return {}
    of_contexts = [rule for one in snapshot.enabled_contexts for rule in one.recipients.values()]
    rules = {
        key: [*project.recipients.values(), *of_contexts]
        for key, project in snapshot.projects.items()
    }
    named = {one for own in rules.values() for rule in own for one in rule}
    asked = [one.removeprefix(GROUP) for one in named if one.startswith(GROUP)]
    sizes = await groups.sizes(connection, asked) if asked else {}
    return {key: max((_people(one, sizes) for one in own), default=0) for key, own in rules.items()}


def _people(rule: Sequence[str], sizes: Mapping[str, int]) -> int:
    found = 0
    for one in rule:
        if one.startswith(GROUP):
            found += sizes.get(one.removeprefix(GROUP), 0)
        elif one not in ROLES:
            found += 1
    return found
