"""Checks and changes the fields of an issue within an act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from postrail import people
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.fields.write import progress_shown, stored_values, write_values
from postrail.notifications.events import STATUS_CHANGED
from postrail.operate.issues.act import ActInProgress
from postrail.tracker.builtin.history import Change
from postrail.workflow.checks import FieldContext, Given
from postrail.workflow.fields import addresses_in, check_value, field_named
from postrail.workflow.values import InvalidValue


async def checked(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    project: Project,
    values: Mapping[str, Given],
) -> dict[str, Any]:
    """Returns the given values as they are stored, by the names that history has.

    Raises InvalidValue for the first that the project does not allow, or that is given twice.
    """
    persons = await people.by_address(connection, addresses_in(project, values))
    context = FieldContext(project=project, people=persons, priorities=snapshot.priorities)
    stored: dict[str, Any] = {}
    for given_name, given in values.items():
        field = field_named(project, given_name)
        if field.history_name in stored:
            raise InvalidValue(f"{field.name} is given twice", remedy="Give one value for it")
        value = check_value(context, given_name, given)
        # A custom field without choices has no row.
        stored[field.history_name] = None if field.custom and value == [] else value
    return stored


async def values_of(act: ActInProgress) -> dict[str, Any]:
    """Returns the stored values of the issue's fields, without custom fields that are empty."""
    return await stored_values(act.connection, act.project, act.issue.issue_key)


async def set_values(
    act: ActInProgress, before: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Writes those of the stored values that differ from the values before, and notes them."""
    issue = (act.issue.issue_id, act.issue.issue_key)
    for change in await write_values(act.connection, issue, act.project, before, values):
        act.changed(change.field, change.before, change.after)


def announce_progress(
    act: ActInProgress, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Notifies the watchers of an issue that becomes done, or is opened again."""
    if progress := progress_shown(before, after):
        act.announce(STATUS_CHANGED, progress)


def shown_changes(act: ActInProgress) -> tuple[Change, ...]:
    """Returns the changes of the act with priorities by their names, as the history shows them."""
    return tuple(
        replace(one, before=_name(act, one.before), after=_name(act, one.after))
        if one.field == "priority"
        else one
        for one in act.changes
    )


def _name(act: ActInProgress, level: int) -> str | int:
    return act.snapshot.priorities.get(level, level)
