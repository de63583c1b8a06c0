"""Selects the people to notify of an effect. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from postrail.people import Reader
from postrail.tracker.issues import Audience, Watcher


def by_mail(people: Iterable[Watcher], reach: Mapping[str, str]) -> tuple[Watcher, ...]:
    """Returns each person once, by the address for mail, and leaves out inactive ones.

    `reach` is where mail to the addresses goes (`people.readers`); strangers have only the one that
    they used.
    """
    found: dict[str, Watcher] = {}
    for person in people:
        if address := reach.get(person.address.lower(), person.address):
            found.setdefault(address, replace(person, address=address))
    return tuple(found.values())


def reporter(audience: Audience, author: Watcher, own_addresses: frozenset[str]) -> list[Watcher]:
    """Returns the author of a new issue, unless the address is missing or is one of ours."""
    reachable = author.address and author.address not in own_addresses
    return [author] if reachable else []


def nameless_reporter(
    audience: Audience, author: Watcher, own_addresses: frozenset[str]
) -> list[Watcher]:
    """Returns whom `reporter` does, without the name, which a message gave."""
    return [replace(one, name="") for one in reporter(audience, author, own_addresses)]


def watchers_except_author(
    audience: Audience, author: Watcher, own_addresses: frozenset[str]
) -> list[Watcher]:
    """Returns everyone who watches the issue, except the author and addresses of ours."""
    return [
        person
        for person in audience.watchers
        if person.address != author.address and person.address not in own_addresses
    ]


def grouped(
    recipients: Sequence[Watcher],
    parts: Mapping[str, frozenset[str]],
    known: Mapping[str, Reader],
    languages: Mapping[str, Callable[[str], str]],
) -> dict[tuple[str, str], list[Watcher]]:
    """Returns the recipients by what their message says, and by its language.

    `languages` says, for each part, in which language a person's message is written.
    """
    groups: dict[tuple[str, str], list[Watcher]] = {}
    for person in recipients:
        reader = known.get(person.address)
        part = next((name for name, those in parts.items() if person.address in those), "")
        language = languages[part](reader.language if reader else "")
        groups.setdefault((part, language), []).append(person)
    return groups
