"""Finds what a person means by a name, and refuses values that a project does not allow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from postrail.configuration.configured import folded
from postrail.configuration.models.project import Project
from postrail.errors import PermanentError

NAMES_SHOWN = 20
VALUE_CHARACTERS_SHOWN = 60


class InvalidValue(PermanentError):
    """The value does not fit the field of the issue in its project; nothing was changed."""


class ProjectNotFound(PermanentError):
    """No project has the key."""


def project_with(key: str, projects: Mapping[str, Project]) -> Project:
    """Returns the project with the key; raises ProjectNotFound with the keys that there are."""
    if key not in projects:
        keys = listed(sorted(projects))
        remedy = f"Use one of: {keys}" if keys else "Add one to a file and run: postrail apply"
        raise ProjectNotFound(f"there is no project {key}", remedy=remedy)
    return projects[key]


def same(one: str, other: str) -> bool:
    """Returns whether two names are equal but for upper and lower case, and blanks."""
    return folded(one) == folded(other)


def name_among(problem: str, given: str, names: Iterable[str]) -> str:
    """Returns the name that is meant, whatever its case, in the spelling of `names`.

    Raises InvalidValue with the possible names for others; `problem` is its text before the given
    one, such as "there is no link".
    """
    known = list(names)
    if given in known:
        return given
    for name in known:
        if same(name, given):
            return name
    text = f"{problem} {shown(given.strip())}"
    raise InvalidValue(text, remedy=f"Use one of: {listed(known)}" if known else "")


def listed(names: Iterable[str]) -> str:
    """Returns the names for a message, at most 20 of them."""
    known = list(names)
    more = ", …" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more


def shown(given: object) -> str:
    """Returns a value for a message, cut if it is long."""
    value = repr(given)
    return value if len(value) <= VALUE_CHARACTERS_SHOWN else value[:VALUE_CHARACTERS_SHOWN] + "…"
