"""The fields of an issue that a query may name, and what each can be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from postrail.query.errors import error_at
from postrail.query.tree import Operator, Word
from postrail.query.vocabulary import Vocabulary
from postrail.records import CUSTOM_PREFIX

_SAME = (Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.NOT_IN)
_PART = (Operator.CONTAINS, Operator.CONTAINS_NOT)
_RANGE = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)
_EMPTY = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)


class Kind(Enum):
    """A kind of values."""

    KEY = "key"
    # A name that the configuration defines, and several of them; labels are free words.
    NAME = "name"
    NAMES = "names"
    PRIORITY = "priority"
    PERSON = "person"
    MOMENT = "moment"
    DATE = "date"
    NUMBER = "number"
    # A text on one line, of which parts can be found.
    LINE = "line"
    TEXT = "text"
    # All words of an issue, by full-text search.
    WORDS = "words"


OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.KEY: _SAME,
    Kind.NAME: (*_SAME, *_EMPTY),
    Kind.NAMES: (*_SAME, *_EMPTY),
    Kind.PRIORITY: (*_SAME, *_RANGE),
    Kind.PERSON: (*_SAME, *_PART, *_EMPTY),
    Kind.MOMENT: (*_SAME, *_RANGE, *_EMPTY),
    Kind.DATE: (*_SAME, *_RANGE, *_EMPTY),
    Kind.NUMBER: (*_SAME, *_RANGE, *_EMPTY),
    Kind.LINE: (*_PART, *_EMPTY),
    Kind.TEXT: (*_SAME, *_PART, *_EMPTY),
    Kind.WORDS: _PART,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field; a custom field has the name that its projects give it."""

    name: str
    kind: Kind
    custom: bool = False
    # The projects that have the custom field.
    projects: tuple[str, ...] = ()
    sortable: bool = True

    @property
    def value_name(self) -> str:
        """Returns the name of the field's values, in history and in memory."""
        return CUSTOM_PREFIX + self.name if self.custom else self.name


_BUILT_IN = (
    Field("key", Kind.KEY),
    Field("project", Kind.KEY),
    Field("type", Kind.NAME),
    Field("status", Kind.NAME),
    Field("category", Kind.KEY, sortable=False),
    Field("resolution", Kind.NAME),
    Field("priority", Kind.PRIORITY),
    Field("assignee", Kind.PERSON),
    Field("reporter", Kind.PERSON),
    Field("watcher", Kind.PERSON, sortable=False),
    Field("labels", Kind.NAMES, sortable=False),
    Field("components", Kind.NAMES, sortable=False),
    Field("summary", Kind.LINE),
    Field("created", Kind.MOMENT),
    Field("updated", Kind.MOMENT),
    Field("resolved", Kind.MOMENT),
    Field("due", Kind.DATE),
    Field("text", Kind.WORDS, sortable=False),
)
BUILT_IN = {one.name: one for one in _BUILT_IN}
# The names of JQL for the same fields.
_OTHER_NAMES = {
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "issuetype": "type",
    "statuscategory": "category",
    "label": "labels",
    "component": "components",
    "createddate": "created",
    "updateddate": "updated",
    "resolutiondate": "resolved",
    "resolveddate": "resolved",
    "duedate": "due",
}
RESERVED_NAMES = frozenset(BUILT_IN) | frozenset(_OTHER_NAMES) | {"description"}

_CUSTOM_KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "date": Kind.DATE,
    "choice": Kind.NAME,
    "choices": Kind.NAMES,
    "person": Kind.PERSON,
}


def field_named(word: Word, text: str, vocabulary: Vocabulary) -> Field:
    """Returns the field of this name in any case; raises QueryError with all names."""
    lower = word.text.lower()
    name = _OTHER_NAMES.get(lower, lower)
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name == "description":
        problem = "the words of descriptions are those of the field text"
        raise error_at(word, text, problem, remedy='Write: text ~ "…"')
    return _custom(word, text, vocabulary)


def _custom(word: Word, text: str, vocabulary: Vocabulary) -> Field:
    lower = word.text.lower()
    found = [
        (project.key, field)
        for project in vocabulary.projects
        for field in project.fields
        if field.name.lower() == lower
    ]
    if not found:
        own = {f'"{field.name}"' for project in vocabulary.projects for field in project.fields}
        listed = ", ".join([*BUILT_IN, *sorted(own)])
        raise error_at(word, text, f"there is no field {word.text!r}", remedy=f"Fields: {listed}")
    kinds = {field.kind for _, field in found}
    names = {field.name for _, field in found}
    if len(kinds) > 1 or len(names) > 1:
        said = " and ".join(f"{field.name!r} ({field.kind}) in {key}" for key, field in found)
        remedy = "Give it the same name and kind in these projects, or different names"
        raise error_at(word, text, f"this field is not one: it is {said}", remedy=remedy)
    kind = _CUSTOM_KINDS[kinds.pop()]
    projects = tuple(key for key, _ in found)
    return Field(names.pop(), kind, custom=True, projects=projects, sortable=kind != Kind.NAMES)
