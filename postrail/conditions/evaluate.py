"""Asks a condition about a message: the values of the message in, the first failed test out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postrail import patterns
from postrail.conditions.hours import within
from postrail.conditions.tree import FIELDS, LANGUAGE, Condition, Operator, Sort, Test
from postrail.query.combined import AllOf, AnyOf, Not


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageValues:
    """What conditions may ask about a message."""

    # By the field's name; a field that the message does not have is missing or empty.
    texts: Mapping[str, Sequence[str]]
    # The values of header fields by their names in lower case.
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    received_at: datetime
    # Returns the code of the language of the text, or ""; called only if a condition asks.
    language: Callable[[], str] = str
    # Asks whether the issue that the message belongs to matches a query; False without an issue.
    issue_matches: Callable[[str], bool] = lambda _query: False
    # The texts as they are compared: a hundred rules may ask about the same body.
    _folded: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def folded(self, text: str) -> str:
        """Returns the text as it is compared: without blanks around it, whatever the case."""
        if text not in self._folded:
            self._folded[text] = text.strip().casefold()
        return self._folded[text]


def failed_test(condition: Condition, message: MessageValues) -> str:
    """Returns the test for which the condition does not hold, as it was written; "" if it holds."""
    match condition:
        case Test():
            return "" if _holds(condition, message) else condition.written
        case Not(part):
            return "" if failed_test(part, message) else f"not {_written(part)}"
        case AllOf(parts):
            return next((failed for part in parts if (failed := failed_test(part, message))), "")
        case AnyOf(parts):
            if any(not failed_test(part, message) for part in parts):
                return ""
            return f"any of: {'; '.join(map(_written, parts))}"


def _written(condition: Condition) -> str:
    match condition:
        case Test():
            return condition.written
        case Not(part):
            return f"not {_written(part)}"
        case AllOf(parts):
            return f"({' and '.join(map(_written, parts))})"
        case AnyOf(parts):
            return f"({' or '.join(map(_written, parts))})"


def _holds(test: Test, message: MessageValues) -> bool:
    match FIELDS[test.field]:
        case Sort.TEXT:
            return _text_holds(test, message)
        case Sort.NUMBER:
            return _compares(test, message.numbers.get(test.field, 0))
        case Sort.TIME:
            assert test.hours is not None
            return within(test.hours, message.received_at)
        case Sort.QUERY:
            return message.issue_matches(test.texts[0])


def _texts(test: Test, message: MessageValues) -> Sequence[str]:
    found: Sequence[str] | None
    if test.field == LANGUAGE:
        found = [message.language()]
    else:
        found = message.headers.get(test.header) if test.header else message.texts.get(test.field)
    return [text for text in found or () if text]


def _compares(test: Test, number: int) -> bool:
    match test.operator:
        case Operator.OVER:
            return number > test.number
        case Operator.UNDER:
            return number < test.number
    return number == test.number


def _text_holds(test: Test, message: MessageValues) -> bool:
    values = _texts(test, message)
    match test.operator:
        case Operator.EXISTS:
            return bool(values) is test.exists
        case Operator.MATCHES:
            return any(patterns.find(test.texts[0], value) for value in values)
    return any(_compared(test, message.folded(value)) for value in values)


def _compared(test: Test, text: str) -> bool:
    wanted = test.texts
    match test.operator:
        case Operator.CONTAINS:
            return wanted[0] in text
        case Operator.STARTS:
            return text.startswith(wanted[0])
    return text in wanted
