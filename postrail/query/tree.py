"""The tree of a query as it was written; each word knows its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """A comparison of a field with values."""

    EQUAL = "="
    NOT_EQUAL = "!="
    CONTAINS = "~"
    CONTAINS_NOT = "!~"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_EMPTY = "IS EMPTY"
    IS_NOT_EMPTY = "IS NOT EMPTY"


@dataclass(frozen=True, slots=True)
class Word:
    """The name of a field or a value, without its quotation marks.

    Lines and columns are from 1; they are 0 for a filter that was given beside the text.
    """

    text: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A function that stands for values, such as currentUser()."""

    name: Word
    arguments: tuple[Value, ...]


Value = Word | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator, and the values that it compares with: IN has several, EMPTY has 0."""

    field: Word
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """Conditions that all hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Conditions of which one or more hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """A condition that does not hold."""

    part: Node


Node = Comparison | Both | Either | Negation


@dataclass(frozen=True, slots=True)
class Sorted:
    """A field to sort by."""

    field: Word
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. Without a condition it matches every issue."""

    text: str
    condition: Node | None = None
    order: tuple[Sorted, ...] = ()

    def words(self) -> Iterator[str]:
        """Yields all words that stand as values: names of people and groups among others."""
        nodes = [self.condition] if self.condition else []
        for comparison in comparisons(nodes):
            values = list(comparison.values)
            while values:
                value = values.pop()
                if isinstance(value, Word):
                    yield value.text
                else:
                    values.extend(value.arguments)


def comparisons(nodes: list[Node]) -> Iterator[Comparison]:
    """Yields the comparisons of some conditions, in any order."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Comparison):
            yield node
        elif isinstance(node, Negation):
            waiting.append(node.part)
        else:
            waiting.extend(node.parts)
