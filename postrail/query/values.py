"""Finds what a value of a query means for its field: names in any case, people, numbers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from postrail.query.combined import AllOf, AnyOf
from postrail.query.conditions import Condition, FieldValue, OneOf
from postrail.query.errors import error_at
from postrail.query.fields import BUILT_IN, Field, Kind
from postrail.query.tree import Call, Value, Word
from postrail.query.vocabulary import Category, FieldWords, Vocabulary

CATEGORIES = get_args(Category)
# The existing names that an error shows.
SHOWN_NAMES = 12
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")


@dataclass(frozen=True, slots=True)
class Question:
    """The text of a query, for its errors, and the vocabulary that it is asked with."""

    text: str
    vocabulary: Vocabulary


def plain_word(value: Value, field: Field, asked: Question) -> Word:
    """Returns a value that is a word; raises QueryError for a function."""
    if isinstance(value, Word):
        return value
    raise error_at(value.name, asked.text, f"{value.name.text}() is no value of {field.name}")


def of_category(values: Sequence[Value], asked: Question) -> Condition:
    """Returns the condition of a status whose category has one of these names."""
    field = BUILT_IN["category"]
    wanted = {
        one
        for value in values
        for one in _existing(plain_word(value, field, asked), CATEGORIES, field, asked)
    }
    projects: dict[tuple[str, ...], list[str]] = {}
    for project in asked.vocabulary.projects:
        names = tuple(name for name, category in project.statuses.items() if category in wanted)
        if names:
            projects.setdefault(names, []).append(project.key)
    return AnyOf(
        tuple(
            AllOf((OneOf(BUILT_IN["project"], tuple(keys)), OneOf(BUILT_IN["status"], names)))
            for names, keys in projects.items()
        )
    )


def named_values(value: Value, field: Field, asked: Question) -> list[FieldValue]:
    """Returns the stored values that one of the query means; raises QueryError for an unknown."""
    if not field.custom and field.name in _BY_NAME:
        return list(_BY_NAME[field.name](value, field, asked))
    return list(_BY_KIND[field.kind](value, field, asked))


def _existing(word: Word, names: Iterable[str], field: Field, asked: Question) -> list[str]:
    """Returns the names that equal the word in any case; raises QueryError with some of them."""
    known = list(dict.fromkeys(names))
    found = [name for name in known if name.casefold() == word.text.casefold()]
    if found:
        return found
    near = difflib.get_close_matches(word.text, known, n=1) if len(word.text) < 100 else []
    listed = ", ".join([*near, *(name for name in known if name not in near)][:SHOWN_NAMES])
    problem = f"{field.name} has no value {word.text!r}"
    raise error_at(word, asked.text, problem, remedy=f"Values: {listed or 'none'}")


def _key(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    key = plain_word(value, field, asked).text.strip().upper()
    return [asked.vocabulary.present_keys.get(key, key)]


def _project(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    word = plain_word(value, field, asked)
    projects = asked.vocabulary.projects
    named = [one.key for one in projects if one.name.casefold() == word.text.casefold()]
    keys = [one.key for one in projects]
    return named or _existing(word, keys, field, asked)


def _type(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    word = plain_word(value, field, asked)
    types = [name for project in asked.vocabulary.projects for name in project.types]
    numbered = [
        name
        for project in asked.vocabulary.projects
        for name, number in project.types.items()
        if number is not None and str(number) == word.text
    ]
    return numbered or _existing(word, types, field, asked)


def _status(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    names = [name for project in asked.vocabulary.projects for name in project.statuses]
    return _existing(plain_word(value, field, asked), names, field, asked)


def _component(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    names = [name for project in asked.vocabulary.projects for name in project.components]
    return _existing(plain_word(value, field, asked), names, field, asked)


def _free_word(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    return [plain_word(value, field, asked).text]


def _priority(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    word = plain_word(value, field, asked)
    names = asked.vocabulary.priorities
    if word.text in {str(level) for level in names}:
        return [int(word.text)]
    found = _existing(word, names.values(), field, asked)
    return [level for level, name in names.items() if name in found]


def _choice(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    own = [
        one
        for project in asked.vocabulary.projects
        for one in project.fields
        if one.name == field.name
    ]
    return _existing(plain_word(value, field, asked), _choices(own), field, asked)


def _choices(fields: Iterable[FieldWords]) -> list[str]:
    return [choice for one in fields for choice in one.choices]


def _number(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    word = plain_word(value, field, asked)
    if not _NUMBER.fullmatch(word.text):
        raise error_at(word, asked.text, f"{word.text!r} is not a number", remedy="Write 12 or 1.5")
    return [Decimal(word.text)]


def _person(value: Value, field: Field, asked: Question) -> Iterable[FieldValue]:
    if isinstance(value, Call):
        return sorted(_people_called(value, asked))
    if "@" not in value.text:
        problem = f"{value.text!r} is not an address"
        remedy = 'Write ada@example.org, currentUser() or membersOf("group"); ~ finds parts'
        raise error_at(value, asked.text, problem, remedy=remedy)
    return sorted(asked.vocabulary.addresses_of(value.text))


def _people_called(call: Call, asked: Question) -> frozenset[str]:
    name = call.name.text.lower()
    if name == "currentuser" and not call.arguments:
        user = asked.vocabulary.current_user
        if user is None:
            problem = "nobody is known to ask, so there is no currentUser()"
            remedy = "Name the person by address, or who asks: --author ADDRESS"
            raise error_at(call.name, asked.text, problem, remedy=remedy)
        return asked.vocabulary.addresses_of(user)
    if name == "membersof" and len(call.arguments) == 1 and isinstance(call.arguments[0], Word):
        return _members(call.arguments[0], asked)
    problem = f"{call.name.text}() does not stand for people, or has wrong arguments"
    remedy = 'Write currentUser() or membersOf("group")'
    raise error_at(call.name, asked.text, problem, remedy=remedy)


def _members(word: Word, asked: Question) -> frozenset[str]:
    groups = asked.vocabulary.groups
    found = [members for name, members in groups.items() if name.casefold() == word.text.casefold()]
    if not found:
        listed = ", ".join(asked.vocabulary.group_names[:SHOWN_NAMES])
        problem = f"there is no group {word.text!r}, or it has no members"
        raise error_at(word, asked.text, problem, remedy=f"Groups: {listed or 'none'}")
    return frozenset().union(*found)


_Named = Callable[[Value, Field, Question], Iterable[FieldValue]]
_BY_NAME: dict[str, _Named] = {
    "project": _project,
    "type": _type,
    "status": _status,
    "components": _component,
    "labels": _free_word,
    "resolution": _free_word,
}
_BY_KIND: dict[Kind, _Named] = {
    Kind.KEY: _key,
    Kind.NAME: _choice,
    Kind.NAMES: _choice,
    Kind.PRIORITY: _priority,
    Kind.PERSON: _person,
    Kind.NUMBER: _number,
    Kind.TEXT: _free_word,
}
