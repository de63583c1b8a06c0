"""The descriptor of projects: their tables and checks, and what issues use of their lists.

It is not beside the model, because a snapshot has models only.
"""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry
from postrail.configuration.kind import ItemTable, Kind
from postrail.configuration.models.project import ROLE_FIELDS, Project, Status
from postrail.configuration.models.project_checks import PROJECT_CHECKS
from postrail.database import Connection
from postrail.tracker.builtin.merges import check_parts, free_merged
from postrail.tracker.builtin.usage import Part, issues_with

KEYS_SHOWN = 5


async def _in_use(connection: Connection, before: Project, after: Project) -> list[tuple[str, str]]:
    """Returns (field, problem) of each change that would leave issues with an invalid value."""
    faults = []
    for field, part, change in [*_removals(before, after), *_changes(before, after)]:
        count, keys = await issues_with(connection, after.key, part, most=KEYS_SHOWN)
        if count:
            number = "an issue has it" if count == 1 else f"{count} issues have it"
            shown = ", ".join(keys) + (", …" if count > len(keys) else "")
            remedy = "keep it until they have another value"
            faults.append((field, f"{part} {change}, but {number} ({shown}): {remedy}"))
    return faults


async def _free_records(connection: Connection, project: Project) -> None:
    """Takes removed parts from merged issues, which nobody can give another value."""
    await free_merged(
        connection,
        project.key,
        types=[project.default_issue_type, *(one.name for one in project.issue_types)],
        statuses=[one.name for one in project.statuses],
        fields=[one.name for one in project.fields],
    )


def _removals(before: Project, after: Project) -> Iterator[tuple[str, Part, str]]:
    """Yields the field, the part and the change for each part of the project that is removed."""
    kept = _parts(after)
    fields = {one.name for one in after.fields}
    for part, field in _parts(before).items():
        with_its_field = part.kind == "choice" and part.name not in fields
        if part not in kept and not with_its_field:
            yield field, part, "is removed"


def _parts(project: Project) -> dict[Part, str]:
    """Returns the parts that issues may use, each with the field that lists it."""
    return {
        **{Part("type", one.name): "issue_types" for one in project.issue_types},
        **{Part("status", one.name): "statuses" for one in project.statuses},
        **{Part("component", name): "components" for name in project.components},
        **{Part("field", one.name): "fields" for one in project.fields},
        **{
            Part("choice", one.name, choice): "fields"
            for one in project.fields
            for choice in one.choices
        },
    }


def _changes(before: Project, after: Project) -> Iterator[tuple[str, Part, str]]:
    """Yields the field, the part and the change for each part whose values lose their meaning."""
    kinds = {one.name: one.kind for one in before.fields}
    for field in after.fields:
        if kinds.get(field.name, field.kind) != field.kind:
            yield "fields", Part("field", field.name), f"becomes a {field.kind}"
    categories = {one.name: one.category for one in before.statuses}
    for status in after.statuses:
        former = categories.get(status.name, status.category)
        # An issue has a resolution exactly while it is done.
        if former != status.category and "done" in {former, status.category}:
            yield "statuses", Part("status", status.name), f"becomes {status.category}"


def _members(role: str) -> ItemTable:
    return ItemTable(
        table="project_role", owner="project_key", columns={"": "member"}, fixed={"role": role}
    )


def _items(table: str, *fields: str) -> ItemTable:
    return ItemTable(
        table=table, owner="project_key", columns={field: field or "name" for field in fields}
    )


def _has_lead(project: Project) -> bool:
    return any([project.lead, project.leads, project.administrators, project.own_assignee])


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    assert isinstance(entry.thing, Project)
    project = entry.thing
    if project == before or _has_lead(project):
        return []
    return [
        "names no lead, so what a limit holds is told to the forward_address of a mail handler, or"
        " to nobody"
    ]


PROJECT = Kind(
    model=Project,
    word="project",
    identity="key",
    section="projects",
    title="The projects of the built-in tracker.",
    table="project",
    columns={"key": "project_key"},
    nullable=frozenset({"connection", "address"}),
    json=frozenset({"recipients"}),
    items={
        "issue_types": _items("issue_type", "name", "number"),
        "statuses": _items("project_status", *Status.model_fields),
        "components": _items("component", ""),
        "fields": _items("custom_field", "name", "kind", "choices"),
        **{field: _members(role) for field, role in ROLE_FIELDS.items()},
    },
    checks=PROJECT_CHECKS,
    notes=_notes,
    in_use=_in_use,
    before_write=_free_records,
    after_write=check_parts,
)
