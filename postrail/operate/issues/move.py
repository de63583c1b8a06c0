"""Moves an issue to another project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postrail.configuration.models.project import Project
from postrail.errors import PermanentError
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, acting
from postrail.operate.issues.fields import announce_progress, checked, values_of
from postrail.records import CUSTOM_PREFIX
from postrail.tracker import issues
from postrail.tracker.builtin.history import Change
from postrail.tracker.builtin.moves import move_issue
from postrail.tracker.successors import record_move
from postrail.workflow.checks import Given
from postrail.workflow.fields import field_named, json_value
from postrail.workflow.moving import fields_in
from postrail.workflow.rights import Act
from postrail.workflow.transitions import act_of, status_named
from postrail.workflow.values import InvalidValue, listed, project_with

SETTABLE = ("type", "status", "components")
RECORDED = ("type", "status", "resolution", "components")


class MoveNotPossible(PermanentError):
    """The issue cannot be moved there; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved(Told):
    """An issue by its new and its former key, and the fields that the move has changed."""

    former_key: str
    changes: tuple[Change, ...]


async def move(
    desk: Desk,
    actor: Actor,
    issue_key: str,
    project_key: str,
    values: Mapping[str, Given] | None = None,
) -> Moved:
    """Moves the issue to the project, where it gets the next number; the former key leads to it.

    Its watchers are notified when it becomes done there, or is opened again.
    `values` are those that the type, the status, the components and custom fields are to have
    there; others stay where the project knows them (see `workflow.moving`). Raises as `acting`
    does, NotAllowed without the right in that project, ProjectNotFound, MoveNotPossible, and
    InvalidValue.
    """
    async with acting(desk, actor, Act.MOVE, issue_key, projects=[project_key]) as act:
        target = await _target(act, project_key)
        before = await values_of(act)
        wanted = _settable(target, values or {})
        given = await checked(act.connection, act.snapshot, target, wanted)
        after = fields_in(target, act.project, before, given, act.now)
        await act.require_in(target, act_of(status_named(target, after["status"])))
        former = await _moved(act, target, after)
        _note(act, before, after)
        announce_progress(act, before, after)
    return Moved(
        issue_key=act.issue.issue_key,
        former_key=former,
        changes=tuple(act.changes[1:]),
        notified=act.notified,
        held=act.held,
    )


async def _target(act: ActInProgress, project_key: str) -> Project:
    projects = act.snapshot.projects
    target = project_with(project_key, projects)
    if project_key == act.project.key:
        others = listed(key for key in projects if key != project_key)
        raise MoveNotPossible(
            f"{act.issue.issue_key} is in project {project_key} already",
            remedy=f"Use one of: {others}" if others else "There is no other project",
        )
    await act.require_in(target, Act.MOVE)
    return target


def _settable(target: Project, values: Mapping[str, Given]) -> Mapping[str, Given]:
    """Returns the values; raises InvalidValue for a field that a move leaves as it is."""
    for name in values:
        field = field_named(target, name)
        if not field.custom and field.name not in SETTABLE:
            raise InvalidValue(
                f"{field.name} is not changed by a move",
                remedy=f"Set {', '.join(SETTABLE)} and custom fields here, and others afterwards",
            )
    return values


async def _moved(act: ActInProgress, target: Project, after: Mapping[str, Any]) -> str:
    """Moves the rows of the issue, which has its new key from here on; returns the former one."""
    former = act.issue
    key = await move_issue(act.connection, former.issue_key, target.key, after)
    await record_move(act.connection, former, key, target.key)
    act.issue = (await issues.by_id(act.connection, [former.issue_id]))[former.issue_id]
    act.project = target
    act.changed("key", former.issue_key, key)
    return former.issue_key


def _note(act: ActInProgress, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    custom = sorted(name for name in {*before, *after} if name.startswith(CUSTOM_PREFIX))
    for name in [*RECORDED, *custom]:
        act.changed(name, json_value(before.get(name)), json_value(after.get(name)))
