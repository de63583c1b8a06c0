"""The names that a query may use: of projects, their settings, priorities, people and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal

# What a status means, whatever its name.
Category = Literal["to do", "in progress", "done"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldWords:
    """A custom field of a project."""

    name: str
    # text, number, date, choice, choices or person.
    kind: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectWords:
    """A project's names."""

    key: str
    name: str = ""
    # The numbers of Jira by type; None: the type has none.
    types: Mapping[str, int | None] = field(default_factory=dict)
    # The categories by status.
    statuses: Mapping[str, Category] = field(default_factory=dict)
    components: tuple[str, ...] = ()
    fields: tuple[FieldWords, ...] = ()
    # A code of ISO 639-1.
    language: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Everything beside the query that decides what it means."""

    projects: tuple[ProjectWords, ...] = ()
    # The names of the priorities by level; 1 is the most urgent.
    priorities: Mapping[int, str] = field(default_factory=dict)
    # All addresses of a person by each of them; at least those of people whom the query names.
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # All addresses of the members by the group's name; at least of groups that the query names.
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # The present keys of issues by those that they had before they were moved or merged; at least
    # those that the query names.
    present_keys: Mapping[str, str] = field(default_factory=dict)
    # Some names of groups that have members, for errors.
    group_names: tuple[str, ...] = ()
    # The address of the person who asks; None: nobody is known to ask.
    current_user: str | None = None
    # The time of the question, which has a time zone, and the zone in which days begin.
    now: datetime
    zone: tzinfo = UTC

    def addresses_of(self, address: str) -> frozenset[str]:
        """Returns all addresses of the person who has this one; just this one of a stranger."""
        lower = address.lower()
        return self.people.get(lower, frozenset({lower}))
