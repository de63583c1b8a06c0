"""A query whose names and times are resolved: what both evaluations work from.

Each field of an issue has a number of values, none or one for most. A condition on them is true or
false, and never unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.fields import Field

# A value of a field: texts (names, keys, addresses in small letters), levels of priorities,
# numbers, dates, and times with a time zone.
FieldValue = str | int | Decimal | date | datetime
Comparing = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the field's values is one of these."""

    field: Field
    values: tuple[FieldValue, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """One of the field's texts has this part; large and small letters are the same."""

    field: Field
    part: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the field's values is less than this one, or more, and so on."""

    field: Field
    operator: Comparing
    value: FieldValue


@dataclass(frozen=True, slots=True)
class Present:
    """The field has a value."""

    field: Field


@dataclass(frozen=True, slots=True)
class HasWords:
    """A text of the issue has these words, by full-text search in these languages."""

    words: str
    languages: tuple[str, ...]


Leaf = OneOf | Contains | Compared | Present | HasWords
Condition: TypeAlias = "Leaf | AllOf[Condition] | AnyOf[Condition] | Not[Condition]"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A query that can be evaluated."""

    condition: Condition
    order: tuple[SortKey, ...]
