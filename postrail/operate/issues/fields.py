"""Checks and changes the fields of an issue within an act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from postrail import people
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.notifications.changes import STATUS_CHANGED
from postrail.operate.issues.act import ActInProgress
from postrail.tracker import issues
from postrail.tracker.builtin.fields import read_fields, write_fields
from postrail.tracker.builtin.history import Change
from postrail.workflow.checks import FieldContext, Given
from postrail.workflow.fields import addresses_in, check_value, field_named, json_value
from postrail.workflow.values import InvalidValue

# The blob of a description that is too large for its row, and what goes with other fields.
BLOB = "description blob"
UNRECORDED = frozenset({"resolved", "reporter name", BLOB})


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
    lists = {field.name for field in act.project.fields if field.kind == "choices"}
    return await read_fields(act.connection, act.issue.issue_key, lists)


async def set_values(
    act: ActInProgress, before: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Writes those of the stored values that differ from the values before, and notes them."""
    differing = {name: value for name, value in values.items() if not _same(before, name, value)}
    if "description" in differing:
        differing[BLOB] = None
    if "reporter" in differing:
        differing["reporter name"] = await name_of(act.connection, differing["reporter"])
    await write_fields(act.connection, act.issue.issue_key, act.project.key, differing)
    if "summary" in differing:
        await issues.set_summary(act.connection, act.issue.issue_id, differing["summary"])
    for name, value in differing.items():
        if name not in UNRECORDED:
            act.changed(name, _recorded(before, name), json_value(value))


def announce_progress(
    act: ActInProgress, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Notifies the watchers of an issue that becomes done, or is opened again."""
    if (before["resolved"] is None) != (after["resolved"] is None):
        result = f" ({after['resolution']})" if after["resolution"] else ""
        act.announce(STATUS_CHANGED, after["status"] + result)


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


async def name_of(connection: Connection, address: str) -> str:
    """Returns the name of the person with this address; "" for a stranger."""
    person = await people.find(connection, address)
    return person.name if person else ""


def _same(before: Mapping[str, Any], name: str, value: Any) -> bool:
    in_blob = name == "description" and before[BLOB] is not None
    return not in_blob and before.get(name) == value


def _recorded(before: Mapping[str, Any], name: str) -> Any:
    """Returns the value before an act as history has it."""
    if name == "description" and before[BLOB] is not None:
        return {"blob": before[BLOB]}
    return json_value(before.get(name))
