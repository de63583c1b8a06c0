"""Finds the people of an issue who are told of an event, by the rules of context and project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail import people
from postrail.configuration.contexts.recipients import (
    ASSIGNEE,
    GROUP,
    PARTICIPANTS,
    REPORTER,
    ROLES,
    WATCHERS,
)
from postrail.database import Connection
from postrail.tracker.builtin.issues import reporter_and_assignee
from postrail.tracker.issues import Audience, Watcher
from postrail.tracker.taking_part import participants_of
from postrail.tracker.watchers import left_by


async def audience_by(
    connection: Connection, audience: Audience, rule: Sequence[str]
) -> tuple[Audience, frozenset[str]]:
    """Returns the audience with those whom the rule names, and who of them does not watch.

    Who has left the issue is not named by a role in it, but may be by a group or an address.
    """
    named = [
        *await _without_left(connection, audience, await _with_roles(connection, audience, rule)),
        *await _persons(connection, rule),
    ]
    watching = {person.address: person for person in audience.watchers}
    told = {person.address: watching.get(person.address, person) for person in named}
    return replace(audience, watchers=tuple(told.values())), frozenset(
        told.keys() - watching.keys()
    )


async def _with_roles(
    connection: Connection, audience: Audience, rule: Sequence[str]
) -> list[Watcher]:
    found: list[Watcher] = []
    if WATCHERS in rule:
        found += audience.watchers
    addresses: list[str] = []
    participants: dict[str, bool] = {}
    if REPORTER in rule or PARTICIPANTS in rule:
        participants = await participants_of(connection, audience.issue_id)
    # RFC 3834: no automatic message answers another one.
    watching = {person.address for person in audience.watchers}
    robots = {one for one, automatic in participants.items() if automatic} - watching
    if REPORTER in rule or ASSIGNEE in rule:
        reporter, assignee = await reporter_and_assignee(connection, audience.issue_key)
        if REPORTER in rule and reporter.address and reporter.address not in robots:
            found.append(reporter)
        if ASSIGNEE in rule and assignee:
            addresses.append(assignee)
    if PARTICIPANTS in rule:
        addresses += [one for one in participants if one not in robots]
    return [*found, *await _named(connection, addresses)]


async def _without_left(
    connection: Connection, audience: Audience, named: Sequence[Watcher]
) -> list[Watcher]:
    left = await left_by(connection, audience.issue_id)
    if not left:
        return list(named)
    watching = {person.address.lower() for person in audience.watchers}
    persons = await people.by_address(connection, left | watching)

    def of_persons(addresses: set[str]) -> set[str]:
        owners = [persons[one] for one in addresses if one in persons]
        return addresses.union(*(owner.addresses for owner in owners))

    # A person leaves, and comes back, with all addresses.
    gone = of_persons(left) - of_persons(watching)
    return [one for one in named if one.address.lower() not in gone]


async def _persons(connection: Connection, rule: Sequence[str]) -> list[Watcher]:
    """Returns the members of the groups, and those at the addresses, of the rule."""
    groups = [one.removeprefix(GROUP) for one in rule if one.startswith(GROUP)]
    members = await people.members(connection, [], groups) if groups else []
    addresses = [one for one in rule if one not in ROLES and not one.startswith(GROUP)]
    return [
        *(Watcher(address=one.address, name=one.name) for one in members),
        *await _named(connection, addresses),
    ]


async def _named(connection: Connection, addresses: Sequence[str]) -> list[Watcher]:
    persons = await people.by_address(connection, addresses)
    return [
        Watcher(address=one, name=persons[one].name if one in persons else "") for one in addresses
    ]
