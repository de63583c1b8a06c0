"""Proves of resolved queries that none of their issues can be left for another one. Pure.

What is not proven may hold all the same: the proof knows single values, sets of values and bounds,
and nothing of how the fields of an issue depend on each other.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.conditions import Compared, Condition, Contains, OneOf, Present
from postrail.query.fields import Field, Kind

# A condition with more ways to hold is not examined.
MOST_WAYS = 200
# More values are examined together.
MOST_VALUES = 50
ALWAYS_PRESENT = frozenset(
    {"key", "project", "type", "status", "priority", "summary", "created", "updated"}
)
# Ways to hold: parts that all hold, in which there is neither "and" nor "or".
Way = tuple[Condition, ...]
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def never_holds(condition: Condition) -> bool:
    """Tells whether the condition provably contradicts itself."""
    ways = _ways(condition)
    return ways is not None and all(map(_contradicts_itself, ways))


def implies(condition: Condition, others: Sequence[Condition]) -> bool:
    """Tells whether, provably, one of the others holds whenever the condition does."""
    ways = _ways(condition)
    if ways is None:
        return False
    wanted = [way for other in others for way in _ways(other) or ()]
    return all(
        _contradicts_itself(way) or any(_implies_all(way, other) for other in wanted)
        for way in ways
    )


def _ways(condition: Condition, *, negated: bool = False) -> list[Way] | None:
    """Returns the ways in which the condition holds, or does not; None: too many."""
    match condition:
        case Not(part):
            return _ways(part, negated=not negated)
        case AllOf(parts) | AnyOf(parts):
            found = [_ways(part, negated=negated) for part in parts]
            together = isinstance(condition, AllOf) is not negated
            return _combined(found) if together else _joined(found)
        case OneOf(of, values) if len(values) <= MOST_VALUES:
            single = tuple(OneOf(of, (value,)) for value in values)
            return [tuple(map(Not, single))] if negated else [(one,) for one in single]
        case _:
            return [(Not(condition) if negated else condition,)]


def _joined(found: Sequence[list[Way] | None]) -> list[Way] | None:
    ways = [way for one in found if one is not None for way in one]
    return None if None in found or len(ways) > MOST_WAYS else ways


def _combined(found: Sequence[list[Way] | None]) -> list[Way] | None:
    ways: list[Way] = [()]
    for one in found:
        if one is None or len(ways) * len(one) > MOST_WAYS:
            return None
        ways = [(*way, *further) for way, further in itertools.product(ways, one)]
    return ways


def _contradicts_itself(way: Way) -> bool:
    return any(map(_is_never, way)) or any(
        _exclude(one, other) for one, other in itertools.combinations(way, 2)
    )


def _is_never(condition: Condition) -> bool:
    if isinstance(condition, Not):
        return _always(condition.part)
    return isinstance(condition, OneOf) and not condition.values


def _implies_all(way: Way, wanted: Iterable[Condition]) -> bool:
    return all(any(_implies(one, part) for one in way) or _always(part) for part in wanted)


def _always(condition: Condition) -> bool:
    """Tells whether each issue meets it: some fields always have a value."""
    return (
        isinstance(condition, Present)
        and not condition.field.custom
        and condition.field.name in ALWAYS_PRESENT
    )


def _implies(one: Condition, other: Condition) -> bool:
    """Tells whether a single condition that holds lets another one hold."""
    if one == other:
        return True
    match one, other:
        case Not(part), Not(further):
            return _implies(further, part)
        case ((OneOf() | Contains() | Compared()), Present(of)):
            return one.field == of
        case OneOf(of, values), OneOf(further_of, further_values):
            return of == further_of and set(values) <= set(further_values)
        case OneOf(of, values), Compared(further_of):
            return of == further_of and all(_meets(value, other) for value in values)
        case Contains(of, part), Contains(further_of, further_part):
            return of == further_of and further_part in part
        case Compared(), Compared():
            return _narrower(one, other)
        case _, Not(part):
            return _exclude(one, part)
        case _:
            return False


def _exclude(one: Condition, other: Condition) -> bool:
    """Tells whether no issue meets both."""
    match one, other:
        case Not(part), _:
            return not isinstance(other, Not) and _implies(other, part)
        case _, Not(part):
            return _implies(one, part)
        case OneOf(of, values), OneOf(further_of, further_values):
            return of == further_of and _is_single(of) and not set(values) & set(further_values)
        case OneOf(of, values), Compared(further_of):
            if of != further_of or not _is_single(of):
                return False
            return not any(_meets(value, other) for value in values)
        case Compared(), OneOf():
            return _exclude(other, one)
        case Compared(), Compared():
            return one.field == other.field and _is_single(one.field) and _apart(one, other)
        case _:
            return False


def _is_single(field: Field) -> bool:
    """Tells whether an issue has at most one value of the field."""
    return field.kind is not Kind.NAMES and field.name != "watcher"


def _meets(value: Any, bound: Compared) -> bool:
    return bool(_OPERATORS[bound.operator](value, bound.value))


def _narrower(one: Compared, other: Compared) -> bool:
    """Tells whether the values within the one bound are within the other."""
    if one.field != other.field or one.operator[0] != other.operator[0]:
        return False
    if one.value == other.value:
        return one.operator == other.operator or "=" in other.operator
    return _meets(one.value, other)


def _apart(one: Compared, other: Compared) -> bool:
    """Tells whether no value is within both bounds."""
    opposite = Compared(other.field, _OPPOSITE[other.operator], other.value)  # type: ignore[arg-type]
    return _narrower(one, opposite)
