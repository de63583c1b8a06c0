"""The descriptor of persons, and the checks of their addresses.

It is not beside the model, because a snapshot has models only, and projects name persons.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from postrail import people
from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry, Existing, Fault, Proposal
from postrail.configuration.kind import Kind
from postrail.configuration.models.person import Person
from postrail.database import Connection, rows
from postrail.errors import ConfigurationError
from postrail.people import PersonRow
from postrail.tracker.builtin.assignments import (
    assigned_issues,
    free_merged_of,
    naming_issues,
)

KEYS_SHOWN = 5
KEEP = "keep the address, or give the issues another"


def as_configured(row: PersonRow) -> Person:
    """Returns a stored person as operators configure them."""
    return Person.model_validate(_values(row))


def _values(row: PersonRow) -> dict[str, Any]:
    return {
        "address": row.address,
        "addresses": list(row.addresses),
        "name": row.name,
        "groups": list(row.groups),
        "language": row.language,
        "time_zone": row.time_zone,
        "messages": row.messages,
        "digest_hour": row.digest_hour,
        "active": row.active,
    }


async def _read(connection: Connection) -> Sequence[Mapping[str, Any]]:
    return [_values(one) for one in await people.everyone(connection)]


async def _write(connection: Connection, person: Person) -> None:
    row = PersonRow(
        address=person.address,
        addresses=tuple(person.all_addresses),
        name=person.name,
        groups=tuple(person.groups),
        language=person.language,
        time_zone=person.time_zone,
        messages=person.messages,
        digest_hour=person.digest_hour,
        active=person.active,
    )
    gone = await people.given_up(connection, row)
    await free_merged_of(connection, gone)
    if problem := await _used(connection, gone):
        # An assignment that was committed after the check of `in_use`.
        raise ConfigurationError(f"person {person.address}: {problem}", remedy=KEEP.capitalize())
    await people.save(connection, row)


async def _in_use(connection: Connection, before: Person, after: Person) -> list[tuple[str, str]]:
    """Returns ("addresses", problem) when issues refer to an address that is taken away."""
    gone = sorted({*before.all_addresses} - {*after.all_addresses})
    problem = await _used(connection, gone)
    return [("addresses", f"{problem}; {KEEP}")] if problem else []


async def _used(connection: Connection, addresses: Sequence[str]) -> str:
    """Returns the problem that issues refer to one of the addresses, or ""."""
    assigned = await assigned_issues(connection, addresses, most=KEYS_SHOWN)
    fields = await rows(
        connection, "SELECT project_key, name FROM custom_field WHERE kind = 'person'"
    )
    naming = await naming_issues(connection, addresses, fields, most=KEYS_SHOWN)
    either = " or ".join(addresses)
    problems = [
        _problem(f"issues are assigned to {either}", *assigned),
        _problem(f"custom fields of issues hold {either}", *naming),
    ]
    return "; ".join(filter(None, problems))


def _problem(what: str, count: int, keys: Sequence[str]) -> str:
    shown = ", ".join(keys) + (", …" if count > len(keys) else "")
    return f"{what}: {shown} ({count} in all)" if count else ""


def _renamed(entries: Sequence[Entry], existing: Existing) -> dict[str, str]:
    """Returns the new address for mail by the stored one, of persons for whom it changes.

    An entry with a new address is a stored person when its other addresses include the stored one.
    """
    stored = {name for model, name in existing if model is Person}
    given = {entry.identity for entry in entries if isinstance(entry.thing, Person)}
    renamed: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.thing, Person) and entry.identity not in stored:
            former = stored.intersection(entry.thing.addresses) - given - renamed.keys()
            if len(former) == 1:
                renamed[former.pop()] = entry.identity
    return renamed


def _with_stored_addresses(proposal: Proposal) -> Sequence[Entry]:
    """Keeps the other addresses of a person whose entry leaves them out.

    Merges and messages add addresses that the file does not know.
    """
    return [_with_addresses(entry, proposal.existing) for entry in proposal.entries]


def _with_addresses(entry: Entry, existing: Existing) -> Entry:
    stored = existing.get((type(entry.thing), entry.identity))
    if not isinstance(stored, Person) or "addresses" in entry.given:
        return entry
    return replace(entry, thing=entry.thing.model_copy(update={"addresses": stored.addresses}))


def _addresses_are_free(proposal: Proposal) -> Iterable[Fault]:
    """Refuses an address that two entries have, and one that another stored person has."""
    holders = {
        address: name
        for (_, name), thing in proposal.existing.items()
        if isinstance(thing, Person)
        for address in thing.all_addresses
    }
    first: dict[str, Entry] = {}
    for entry in proposal.entries_of(Person).values():
        assert isinstance(entry.thing, Person)
        for address in _given(entry, entry.thing):
            field = "address" if address == entry.identity else "addresses"
            earlier = first.setdefault(address, entry)
            if earlier is not entry:
                problem = f"{address} is given at line {earlier.line} already"
                yield entry.fault(field, f"{problem}, to {earlier.identity}")
            elif holders.get(address, entry.identity) != entry.identity:
                yield entry.fault(field, _taken(address, holders[address], entry.identity))


def _given(entry: Entry, person: Person) -> list[str]:
    """Returns the addresses that the file itself gives to the person."""
    return person.all_addresses if "addresses" in entry.given else [person.address]


def _time_zones_exist(proposal: Proposal) -> Iterable[Fault]:
    """Refuses time zones that the time zone database of this machine lacks, if it has one.

    It is no part of the model: a row stays valid on a machine with another release of it.
    """
    persons = proposal.all_of(Person)
    known = _time_zones()
    for address, entry in proposal.entries_of(Person).items():
        name = persons[address].time_zone
        if known and name and name not in known:
            problem = f"{name!r} is not in the time zone database; write it as in Europe/Berlin"
            yield entry.fault("time_zone", problem)


@cache
def _time_zones() -> frozenset[str]:
    """Returns the names of the time zone database, which takes a walk through its folders."""
    return frozenset(zoneinfo.available_timezones())


def _taken(address: str, holder: str, identity: str) -> str:
    belongs = f"{address} belongs to the person {holder}"
    if address == identity:
        return (
            f"{belongs}: write it under addresses there; or, if mail is to go to it from now on,"
            f" add {holder} to addresses here"
        )
    return (
        f"{belongs}: if they are one, run postrail people merge {identity} {holder}; otherwise"
        " remove it there first, and apply that"
    )


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    assert isinstance(entry.thing, Person)
    notes = ["enabled is called active now"] if "enabled" in entry.lines else []
    if "addresses" not in entry.given and entry.thing.addresses:
        kept = ", ".join(entry.thing.addresses)
        notes.append(f"keeps {kept}, as addresses is left out; addresses: [] removes them")
    return notes


PERSON = Kind(
    model=Person,
    word="person",
    identity="address",
    section="people",
    title="People who may comment on any issue by naming its key in the subject.",
    former_fields={"enabled": "active"},
    read=_read,
    write=_write,
    renamed=_renamed,
    fill_in=_with_stored_addresses,
    checks=(_addresses_are_free, _time_zones_exist),
    in_use=_in_use,
    notes=_notes,
)
