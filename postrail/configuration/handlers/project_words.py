"""The names of projects, as queries for issues use them; and queries checked by them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.query.combined import leaves
from postrail.query.conditions import HasWords
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.resolve import resolve
from postrail.query.vocabulary import FieldWords, ProjectWords, Vocabulary

# Relative times such as -7d have a meaning at any moment.
ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
SEARCHES_WORDS = (
    "the field text searches the words of comments, too, and cannot be asked about one issue: use"
    " summary, labels and other fields"
)


def project_words(project: Project) -> ProjectWords:
    """Returns the names of a project that queries may use."""
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


def query_fault(
    text: str,
    projects: Iterable[Project],
    priorities: Mapping[int, str],
    persons: Iterable[Person],
) -> str:
    """Returns what is wrong with a query about one issue, or ""."""
    vocabulary = Vocabulary(
        projects=tuple(map(project_words, projects)),
        priorities=priorities,
        groups=_groups(persons),
        now=ANY_TIME,
    )
    try:
        condition = resolve(parse(text), vocabulary).condition
    except QueryError as error:
        return str(error)
    searched = (one for one in leaves(condition) if isinstance(one, HasWords))
    return SEARCHES_WORDS if any(searched) else ""


def _groups(persons: Iterable[Person]) -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for person in persons:
        for name in person.groups:
            groups.setdefault(name, set()).add(person.address)
    return {name: frozenset(members) for name, members in groups.items()}
