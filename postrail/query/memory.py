"""Evaluates a resolved query on one issue in memory."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from postrail.errors import PermanentError
from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.conditions import Compared, Condition, Contains, FieldValue, OneOf, Present
from postrail.query.fields import Field, Kind
from postrail.query.folding import small_letters

# The values of an issue by `Field.value_name`; a field without a value may be left out.
IssueValues = Mapping[str, Sequence[FieldValue]]

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class NeedsSearch(PermanentError):
    """The query searches for words in all texts, which only a list of issues can do."""


def matches(condition: Condition, issue: IssueValues) -> bool:
    """Tells whether the issue meets the condition; raises NeedsSearch if it searches for words."""
    match condition:
        case AllOf(parts):
            return all(matches(part, issue) for part in parts)
        case AnyOf(parts):
            return any(matches(part, issue) for part in parts)
        case Not(part):
            return not matches(part, issue)
        case Present(field):
            return bool(_values(issue, field))
        case OneOf(field, values):
            return any(value in values for value in _values(issue, field))
        case Contains(field, part):
            return any(part in _text(value, field) for value in _values(issue, field))
        case Compared(field, name, bound):
            # The values of a field are of one type, which is the bound's.
            compare: Any = _OPERATORS[name]
            return any(compare(value, bound) for value in _values(issue, field))
        case _:
            problem = "the field text searches the words of all issues, and cannot test one issue"
            raise NeedsSearch(problem, remedy="Use the fields summary, labels and others here")


def _values(issue: IssueValues, field: Field) -> Sequence[FieldValue]:
    return issue.get(field.value_name, ())


def _text(value: FieldValue, field: Field) -> str:
    # Addresses are stored in small letters.
    return str(value) if field.kind is Kind.PERSON else small_letters(str(value))
