"""The fields of issues that people set, and the checks of their values for a project. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from postrail.configuration.models.project import CustomField, Project
from postrail.records import CUSTOM_PREFIX
from postrail.workflow import checks
from postrail.workflow.checks import FieldContext, Given, Stored
from postrail.workflow.values import InvalidValue, name_among

SUMMARY_CHARACTERS = 255
# A record of Kafka, of at most 1 MiB, holds the text of a change whole.
DESCRIPTION_CHARACTERS = 100_000
TEXT_CHARACTERS = 10_000

Check = Callable[[FieldContext, str, Given], Stored]


@dataclass(frozen=True, slots=True)
class IssueField:
    """A field of the issues of a project."""

    # As people write it.
    name: str
    check: Check
    # The stored value of a field without a value.
    empty: str | tuple[str, ...] | None = None
    required: bool = False
    custom: CustomField | None = None

    @property
    def history_name(self) -> str:
        """Returns the name that rows of history and records have for it."""
        return f"{CUSTOM_PREFIX}{self.name}" if self.custom else self.name

    @property
    def holds_person(self) -> bool:
        """Returns whether its value is the address of a known person."""
        return self.custom.kind == "person" if self.custom else self.name == "assignee"


def fields_of(project: Project) -> list[IssueField]:
    """Returns the built-in fields and those of the project's own."""
    return [*BUILT_IN, *map(_custom, project.fields)]


def field_named(project: Project, name: str) -> IssueField:
    """Returns the field that is meant, whatever its case, also by the name that history has.

    Raises InvalidValue with the names of all fields.
    """
    known = {one.name: one for one in fields_of(project)}
    found = name_among(
        f"project {project.key} has no field", name.removeprefix(CUSTOM_PREFIX), known
    )
    return known[found]


def addresses_in(project: Project, values: Mapping[str, Given]) -> set[str]:
    """Returns the addresses, in lower case, whose persons the check of these values needs.

    Raises InvalidValue for an unknown field.
    """
    return {
        value.strip().lower()
        for name, value in values.items()
        if isinstance(value, str) and field_named(project, name).holds_person
    }


def check_value(context: FieldContext, name: str, given: Given) -> Stored:
    """Returns the value of a field as it is stored; names are found whatever their case.

    None, a blank text and an empty list clear the field. Raises InvalidValue that says what the
    field takes, for an unknown field, a value that does not fit, and a required field without one.
    """
    one = field_named(context.project, name)
    if isinstance(given, str) and not given.strip():
        given = None
    if given is None or (isinstance(given, list | tuple) and not given):
        if one.required:
            raise InvalidValue(f"{one.name} may not be empty", remedy=f"Give a {one.name}")
        return list(one.empty) if isinstance(one.empty, tuple) else one.empty
    return one.check(context, one.name, given)


def json_value(stored: Stored) -> str | int | float | list[str] | None:
    """Returns a stored value in the form that history and records have it."""
    if isinstance(stored, Decimal):
        return int(stored) if stored == stored.to_integral_value() else float(stored)
    return stored.isoformat() if isinstance(stored, date) else stored


BUILT_IN = (
    IssueField("summary", partial(checks.line, SUMMARY_CHARACTERS), required=True),
    IssueField("description", partial(checks.text, DESCRIPTION_CHARACTERS), empty=""),
    IssueField("type", checks.issue_type, required=True),
    IssueField("status", checks.status, required=True),
    IssueField("resolution", partial(checks.line, checks.NAME_CHARACTERS)),
    IssueField("priority", checks.priority, required=True),
    IssueField("assignee", checks.person),
    IssueField("reporter", checks.address, required=True),
    IssueField("labels", checks.labels, empty=()),
    IssueField("components", checks.components, empty=()),
    IssueField("due", checks.day),
)


def _custom(own: CustomField) -> IssueField:
    by_kind: dict[str, Check] = {
        "text": partial(checks.text, TEXT_CHARACTERS),
        "number": checks.number,
        "date": checks.day,
        "choice": partial(checks.choice, own.choices),
        "choices": partial(checks.choices, own.choices),
        "person": checks.person,
    }
    empty = () if own.kind == "choices" else None
    return IssueField(own.name, by_kind[own.kind], empty=empty, custom=own)
