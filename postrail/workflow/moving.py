"""The fields of an issue that moves to another project, which may lack its values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postrail.configuration.models.project import CustomField, Project
from postrail.records import CUSTOM_PREFIX
from postrail.workflow.transitions import Progress, progress_in
from postrail.workflow.values import same


def fields_in(
    target: Project,
    source: Project,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Returns the values that depend on the project, as the issue has them in the target.

    They are type, status, resolution, `resolved`, components and custom fields, by the names that
    history has. A given value comes first, then one of the same name that the target knows, and
    then its default type or status; components and custom fields that it lacks are left out.
    """
    present = Progress(
        status=before["status"], resolution=before["resolution"], resolved_at=before["resolved"]
    )
    wanted = given.get("status", "")
    progress = progress_in(target, source, present, now=now, wanted=wanted)
    types = [one.name for one in target.issue_types if same(one.name, before["type"])]
    return {
        "type": [*types, target.default_issue_type][0],
        "components": _known(target.components, before["components"]),
        **_custom_fields(target, source, before),
        **given,
        "status": progress.status,
        "resolution": progress.resolution,
        "resolved": progress.resolved_at,
    }


def _custom_fields(
    target: Project, source: Project, before: Mapping[str, Any]
) -> dict[str, str | Any]:
    """Returns the values of the custom fields that both projects have, of the same kind."""
    kept = {}
    for own in target.fields:
        for former in source.fields:
            value = before.get(CUSTOM_PREFIX + former.name)
            if value is not None and same(own.name, former.name) and own.kind == former.kind:
                kept[CUSTOM_PREFIX + own.name] = _value_in(own, value)
    return {name: value for name, value in kept.items() if value is not None}


def _value_in(field: CustomField, value: Any) -> Any:
    """Returns the value in the field of the target; None if the field has no such choice."""
    if field.kind == "choices":
        return _known(field.choices, value) or None
    if field.kind == "choice":
        return next(iter(_known(field.choices, [value])), None)
    return value


def _known(names: list[str], values: list[str]) -> list[str]:
    """Returns those of the names that are among the values, whatever their case."""
    return [name for name in names if any(same(name, value) for value in values)]
