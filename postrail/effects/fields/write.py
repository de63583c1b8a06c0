"""Writes changed fields of an issue, and returns the changes as the history has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail import people
from postrail.configuration.models.project import Project
from postrail.database import Connection
from postrail.tracker import issues
from postrail.tracker.builtin.fields import read_fields, write_fields
from postrail.tracker.builtin.history import Change
from postrail.workflow.fields import json_value

# The blob of a description that is too large for its row, and what goes with other fields.
BLOB = "description blob"
UNRECORDED = frozenset({"resolved", "reporter name", BLOB})


async def stored_values(connection: Connection, project: Project, issue_key: str) -> dict[str, Any]:
    """Returns the stored values of the issue's fields, without custom fields that are empty."""
    lists = {field.name for field in project.fields if field.kind == "choices"}
    return await read_fields(connection, issue_key, lists)


async def write_values(
    connection: Connection,
    issue: tuple[int, str],
    project: Project,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
) -> list[Change]:
    """Writes those of the stored values that differ from the values before.

    `issue` is the id and the key of the issue, which the caller has locked.
    """
    issue_id, issue_key = issue
    differing = {name: value for name, value in values.items() if not _same(before, name, value)}
    if "description" in differing:
        differing[BLOB] = None
    if "reporter" in differing:
        differing["reporter name"] = await _name_of(connection, differing["reporter"])
    await write_fields(connection, issue_key, project.key, differing)
    if "summary" in differing:
        await issues.set_summary(connection, issue_id, differing["summary"])
    return [
        Change(name, _recorded(before, name), json_value(value))
        for name, value in differing.items()
        if name not in UNRECORDED
    ]


def progress_shown(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Returns the status of an issue that becomes done, or is opened again; else "".

    A resolution stands behind it, unless it says the same.
    """
    if (before["resolved"] is None) == (after["resolved"] is None):
        return ""
    status, resolution = after["status"], after["resolution"]
    return f"{status} ({resolution})" if resolution not in (None, "", status) else status


async def _name_of(connection: Connection, address: str) -> str:
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
