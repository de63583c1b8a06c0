"""Checks single values of fields: each check returns the value as it is stored. Pure.

Persons and priorities come as arguments. Every check raises InvalidValue that says what the field
takes.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from postrail.configuration.models.project import Project
from postrail.message_parts import ADDRESS_CHARACTERS, is_address
from postrail.people import PersonNotFound, PersonRow, active
from postrail.workflow.transitions import status_named
from postrail.workflow.values import InvalidValue, listed, name_among, same, shown

# A value as a person gives it: a text from a command, or a value of JSON.
Given = str | int | float | Decimal | date | Sequence[str] | None
# None, or for some fields an empty text or list, is a field without a value.
Stored = str | int | Decimal | date | list[str] | None

NAME_CHARACTERS = 100
LIST_LENGTH = 100
# A number of JSON is a double, which holds this number of decimal digits exactly.
NUMBER_DIGITS = 15
_EXACT = decimal.Context(
    prec=NUMBER_DIGITS,
    Emax=NUMBER_DIGITS,
    Emin=-NUMBER_DIGITS,
    traps=[decimal.InvalidOperation, decimal.Inexact, decimal.Overflow, decimal.Subnormal],
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldContext:
    """What the checks of values need beside the values."""

    project: Project
    # Persons by each of their addresses, in lower case; `addresses_in` says which are needed.
    people: Mapping[str, PersonRow] = field(default_factory=dict)
    # The names of the priorities by level.
    priorities: Mapping[int, str] = field(default_factory=dict)


def text(limit: int, _: FieldContext, name: str, given: Given) -> str:
    """Returns the text as it is."""
    if not isinstance(given, str):
        raise InvalidValue(f"{name} is a text, not {shown(given)}", remedy="Give it as a text")
    if len(given) > limit:
        problem = f"{name} has {len(given):,} characters"
        raise InvalidValue(problem, remedy=f"Shorten it to at most {limit:,}")
    # PostgreSQL stores no NUL, and UTF-8 has no lone surrogates.
    if strange := re.search("[\0\ud800-\udfff]", given):
        problem = f"{name} holds the character U+{ord(strange[0]):04X}, which cannot be stored"
        raise InvalidValue(problem, remedy="Remove it")
    return given


def line(limit: int, context: FieldContext, name: str, given: Given) -> str:
    """Returns the text on one line."""
    return " ".join(text(limit, context, name, given).split())


def issue_type(context: FieldContext, name: str, given: Given) -> str:
    """Returns the name of the type, which its number may stand for, as in Jira's handlers."""
    types = context.project.issue_types
    for one in types:
        if one.number is not None and str(given).strip() == str(one.number):
            return one.name
    return choice([one.name for one in types], context, name, given)


def status(context: FieldContext, name: str, given: Given) -> str:
    """Returns the name of the project's status."""
    return status_named(context.project, line(NAME_CHARACTERS, context, name, given)).name


def priority(context: FieldContext, _: str, given: Given) -> int:
    """Returns the level of the priority, whose level or name is given."""
    wanted = str(given).strip()
    for level, known in context.priorities.items():
        if wanted == str(level) or same(wanted, known):
            return level
    levels = listed(f"{level} ({known})" for level, known in sorted(context.priorities.items()))
    raise InvalidValue(f"there is no priority {shown(given)}", remedy=f"Use one of: {levels}")


def person(context: FieldContext, name: str, given: Given) -> str:
    """Returns the address that the person's mail goes to; any of the addresses may be given."""
    wanted = line(ADDRESS_CHARACTERS, context, name, given).lower()
    found = context.people.get(wanted)
    try:
        return active(found, wanted).address
    except PersonNotFound as error:
        raise InvalidValue(f"{name}: {error.problem}", remedy=error.remedy) from error


def address(context: FieldContext, name: str, given: Given) -> str:
    """Returns the address in lower case; it need not be that of a known person."""
    found = line(ADDRESS_CHARACTERS, context, name, given).lower()
    if not is_address(found):
        problem = f"{name}: {shown(given)} is not an address"
        raise InvalidValue(problem, remedy="Give one such as jane@example.org")
    return found


def labels(context: FieldContext, name: str, given: Given) -> list[str]:
    """Returns the labels, each once, in the order given."""
    found = list(dict.fromkeys(_label(context, name, one) for one in _texts(name, given)))
    if len(found) > LIST_LENGTH:
        problem = f"{name} has {len(found)} items"
        raise InvalidValue(problem, remedy=f"Give at most {LIST_LENGTH}")
    return found


def _label(context: FieldContext, name: str, given: Given) -> str:
    label = text(NAME_CHARACTERS, context, name, given).strip()
    if not label or re.search(r"[\s,]", label):
        problem = f"{name}: {shown(given)} is blank, or holds a blank or a comma"
        raise InvalidValue(problem, remedy="Join its words with '-'")
    return label


def components(context: FieldContext, name: str, given: Given) -> list[str]:
    """Returns the names of the components, in the order of the project."""
    return choices(context.project.components, context, name, given)


def choice(known: Sequence[str], context: FieldContext, name: str, given: Given) -> str:
    """Returns the one of the known choices that is given."""
    wanted = line(NAME_CHARACTERS, context, name, given)
    return name_among(f"project {context.project.key} has no {name}", wanted, known)


def choices(known: Sequence[str], context: FieldContext, name: str, given: Given) -> list[str]:
    """Returns those of the known choices that are given, in their order."""
    chosen = {choice(known, context, name, one) for one in _texts(name, given, known)}
    return [one for one in known if one in chosen]


def _texts(name: str, given: Given, known: Sequence[str] = ()) -> list[str]:
    """Returns the items of a list; a text that is no known item is divided at its commas."""
    if isinstance(given, str):
        whole = any(same(given.strip(), one) for one in known)
        return [given] if whole else [part for part in given.split(",") if part.strip()]
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        problem = f"{name} is a list of texts, not {shown(given)}"
        raise InvalidValue(problem, remedy="Give it such as one,two")
    return list(given)


def number(_: FieldContext, name: str, given: Given) -> Decimal:
    """Returns the number, exactly as it was given."""
    try:
        found = _EXACT.create_decimal("" if isinstance(given, bool) else str(given).strip())
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        problem = f"{name} is a number of at most {NUMBER_DIGITS} digits, not {shown(given)}"
        raise InvalidValue(problem, remedy="Give one such as 12.5")
    return found.normalize(_EXACT) or Decimal(0)


def day(_: FieldContext, name: str, given: Given) -> date:
    """Returns the date."""
    if type(given) is date:
        return given
    wanted = str(given).strip()
    try:
        return date.fromisoformat(wanted if re.fullmatch(r"\d{4}-\d\d-\d\d", wanted) else "")
    except ValueError as error:
        problem = f"{name} is a date, not {shown(given)}"
        raise InvalidValue(problem, remedy="Give one such as 2027-01-31") from error
