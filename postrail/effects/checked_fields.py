"""Checks the fields that mail handlers give to new issues, against the projects and persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import CreateIssue
from postrail.errors import PermanentError
from postrail.people import PersonRow
from postrail.workflow.checks import FieldContext, Stored
from postrail.workflow.fields import addresses_in, check_value, field_named
from postrail.workflow.values import InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFields:
    """The fields of a new issue as they are stored, and why others are not set."""

    # None: the project's default assignee.
    assignee: PersonRow | None = None
    # By the names that history has.
    custom: Mapping[str, Stored] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


async def checked_fields(
    connection: Connection, snapshot: ConfigurationSnapshot, effects: Sequence[CreateIssue]
) -> list[CheckedFields]:
    """Returns the checked fields of each effect.

    A value that does not fit never stops a message: the issue says what was not set.
    """
    addresses = {effect.fields.assignee for effect in effects}
    for effect in effects:
        addresses |= _persons(effect, snapshot)
    persons = await people.by_address(connection, addresses - {""})
    return [_checked(effect, snapshot, persons) for effect in effects]


def _persons(effect: CreateIssue, snapshot: ConfigurationSnapshot) -> set[str]:
    try:
        return addresses_in(snapshot.projects[effect.project], dict(effect.fields.custom))
    except InvalidValue:
        # An unknown field becomes a note.
        return set()


def _checked(
    effect: CreateIssue, snapshot: ConfigurationSnapshot, persons: Mapping[str, PersonRow]
) -> CheckedFields:
    project = snapshot.projects[effect.project]
    context = FieldContext(project=project, people=persons, priorities=snapshot.priorities)
    custom: dict[str, Stored] = {}
    notes = []
    for name, given in effect.fields.custom:
        try:
            stored = check_value(context, name, given)
        except PermanentError as error:
            notes.append(f"{name} is not set: {error.problem}")
            continue
        known = field_named(project, name)
        if known.custom:
            custom[known.history_name] = stored
        else:
            notes.append(f"{name} is not set: it is no custom field of {project.key}")
    assignee = persons.get(effect.fields.assignee)
    if effect.fields.assignee and not (assignee and assignee.active):
        notes.append(f"{effect.fields.assignee} is not assigned: no active person has this address")
        assignee = None
    return CheckedFields(assignee=assignee, custom=custom, notes=tuple(notes))
