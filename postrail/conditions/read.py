"""Reads a condition from the value of a YAML file: texts, numbers, lists and mappings in.

all:
  - subject starts: "Bug:"
  - sender domain in: [customer.example]
  - any:
      - header X-Priority is: 1
      - size over: 10 MB
  - not: {attachments exists: true}
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from postrail import patterns
from postrail.conditions.hours import read_hours
from postrail.conditions.tree import (
    CHOICES,
    FIELDS,
    HEADER,
    OPERATORS,
    Condition,
    Operator,
    Sort,
    Test,
)
from postrail.query.combined import AllOf, AnyOf, Not

DEPTH_MAX = 10
TESTS_MAX = 200
OPERAND_CHARACTERS = 2000
HEADER_NAME = re.compile(r"[!-9;-~]{1,100}")
SIZE = re.compile(r"(\d{1,15}) ?(|b|kb|mb|gb)", re.IGNORECASE)
UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


class InvalidCondition(ValueError):
    """A condition that cannot be asked; the message quotes it, and says how to write it."""


def read_condition(value: Any) -> Condition:
    """Returns the condition that a YAML value states; None states one that always holds.

    Raises InvalidCondition.
    """
    reader = _Reader()
    return AllOf(()) if value is None else reader.read(value, 0)


class _Reader:
    def __init__(self) -> None:
        self._tests = 0

    def read(self, value: Any, depth: int) -> Condition:
        """Reads a mapping with one entry, or a list, which means all."""
        if depth > DEPTH_MAX:
            raise InvalidCondition(f"conditions are nested deeper than {DEPTH_MAX} levels")
        if isinstance(value, list):
            return AllOf(self._parts("all", value, depth))
        if not isinstance(value, Mapping) or len(value) != 1:
            raise InvalidCondition(
                f"{_shown(value)} is no condition: write one such as {{subject contains: invoice}},"
                " or several as a list below all, any or not"
            )
        ((word, operand),) = value.items()
        return self._read_entry(" ".join(str(word).split()), operand, depth)

    def _read_entry(self, word: str, operand: Any, depth: int) -> Condition:
        match word.lower():
            case "all":
                return AllOf(self._parts(word, operand, depth))
            case "any":
                return AnyOf(self._parts(word, operand, depth))
            case "not":
                return Not(self.read(operand, depth + 1))
        self._tests += 1
        if self._tests > TESTS_MAX:
            raise InvalidCondition(f"there are more than {TESTS_MAX} tests in one condition")
        return read_test(word, operand)

    def _parts(self, word: str, operand: Any, depth: int) -> tuple[Condition, ...]:
        if not isinstance(operand, list) or not operand:
            raise InvalidCondition(f"{word} needs a list of conditions, each begun with '- '")
        return tuple(self.read(part, depth + 1) for part in operand)


def read_test(word: str, operand: Any) -> Test:
    """Returns the test that is written as `FIELD OPERATOR: OPERAND`; raises InvalidCondition."""
    written = f"{word}: {_shown(operand)}"
    field, header, operator = _split(word)
    sort = FIELDS[field]
    if operator not in OPERATORS[sort]:
        raise InvalidCondition(
            f"{written}: {field} has no operator {operator}; it has {', '.join(OPERATORS[sort])}"
        )
    try:
        values = _operand(sort, operator, operand)
    except ValueError as error:
        raise InvalidCondition(f"{written}: {error}") from error
    if operator in (Operator.IS, Operator.IN):
        _refuse_impossible(written, field, values.get("texts", ()))
    return Test(written=written, field=field, header=header, operator=operator, **values)


def _refuse_impossible(written: str, field: str, texts: Iterable[str]) -> None:
    """Raises InvalidCondition for a text that the field never has."""
    choices = CHOICES.get(field)
    for text in texts:
        if choices and text not in choices:
            raise InvalidCondition(
                f"{written}: {field} is never {text!r}; it is one of: {', '.join(choices)}"
            )


def _split(word: str) -> tuple[str, str, Operator]:
    """Splits `header X-Spam is` into the field, the name of a header field, and the operator."""
    field, _, operator = word.rpartition(" ")
    if operator.lower() not in list(Operator):
        raise InvalidCondition(
            f"{word!r} does not end in an operator: use one of {', '.join(Operator)},"
            " such as 'subject contains'"
        )
    if field.lower().startswith(f"{HEADER} "):
        name = field[len(HEADER) + 1 :].rstrip(":")
        if not HEADER_NAME.fullmatch(name):
            raise InvalidCondition(f"{word!r}: {name!r} is no name of a header field")
        return HEADER, name.lower(), Operator(operator.lower())
    if field.lower() not in FIELDS or field.lower() == HEADER:
        raise InvalidCondition(f"{word!r}: {_unknown(field)}")
    return field.lower(), "", Operator(operator.lower())


def _unknown(field: str) -> str:
    names = [f"{HEADER} NAME", *(name for name in FIELDS if name != HEADER)]
    near = difflib.get_close_matches(field.lower(), names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no field {field!r}: {meant}The fields are {', '.join(names)}"


def _operand(sort: Sort, operator: Operator, operand: Any) -> dict[str, Any]:
    if operator is Operator.EXISTS:
        if not isinstance(operand, bool):
            raise ValueError("exists is followed by true or false")
        return {"exists": operand}
    if sort is Sort.NUMBER:
        return {"number": _number(operand)}
    if sort is Sort.TIME:
        return {"hours": read_hours(_text(operand))}
    if operator is Operator.IN:
        if not isinstance(operand, list) or not operand:
            raise ValueError("in needs a list of texts, such as [one, two]")
        return {"texts": tuple(_text(one).casefold() for one in operand)}
    text = _text(operand)
    if operator is not Operator.MATCHES:
        return {"texts": (text.casefold(),)}
    if sort is not Sort.QUERY:
        patterns.check(text)
    return {"texts": (text,)}


def _text(operand: Any) -> str:
    if isinstance(operand, bool) or not isinstance(operand, str | int | float):
        raise ValueError("needs a text; put it in quotation marks")
    text = str(operand)
    if not text:
        raise ValueError("the text is empty; use exists: false for a missing value")
    if len(text) > OPERAND_CHARACTERS:
        raise ValueError(f"the text has more than {OPERAND_CHARACTERS} characters")
    return text


def _number(operand: Any) -> int:
    found = None if isinstance(operand, bool) else SIZE.fullmatch(str(operand).strip())
    if not found:
        raise ValueError("needs a number, such as 3, 200 KB or 10 MB")
    return int(found.group(1)) * UNITS[found.group(2).lower()]


def _shown(operand: Any) -> str:
    if isinstance(operand, bool):
        return str(operand).lower()
    if isinstance(operand, list):
        return f"[{', '.join(map(_shown, operand))}]"
    text = str(operand)
    return text if len(text) <= 100 else f"{text[:100]}…"
