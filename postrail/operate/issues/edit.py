"""Changes fields of an issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from postrail.configuration.models.project import Project
from postrail.operate.issues.act import Actor, Desk, acting
from postrail.operate.issues.fields import checked, set_values, shown_changes, values_of
from postrail.operate.issues.watch import watches
from postrail.tracker.builtin.history import Change
from postrail.workflow.checks import Given
from postrail.workflow.fields import field_named
from postrail.workflow.rights import Act
from postrail.workflow.values import InvalidValue, same

# Fields that another act changes.
OTHER_ACTS = {"status": "transition", "resolution": "transition", "assignee": "assign"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """The wanted values of fields by name; items to add to lists and to remove from them."""

    values: Mapping[str, Given] = field(default_factory=dict)
    add: Mapping[str, Sequence[str]] = field(default_factory=dict)
    remove: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """The changed fields of an issue by name, with values of JSON; priorities have their names."""

    issue_key: str
    changes: tuple[Change, ...]


async def edit(desk: Desk, actor: Actor, issue_key: str, edits: Edits) -> Edited:
    """Changes the fields; all of them or, when one value is refused, none.

    A new reporter watches the issue. Raises as `acting` does, and InvalidValue for a value that the
    project does not allow, and for a field that another act changes.
    """
    async with acting(desk, actor, Act.EDIT, issue_key) as act:
        before = await values_of(act)
        wanted = _wanted(act.project, before, edits)
        after = await checked(act.connection, act.snapshot, act.project, wanted)
        await set_values(act, before, after)
        if after.get("reporter", before["reporter"]) != before["reporter"]:
            await watches(act, after["reporter"])
    return Edited(issue_key=act.issue.issue_key, changes=shown_changes(act))


def _wanted(project: Project, before: Mapping[str, Any], edits: Edits) -> dict[str, Given]:
    """Returns the values to check: those that are given, and lists with their added items.

    Raises InvalidValue for a field that another act changes, and as `_edited_list` does.
    """
    lists = dict.fromkeys([*edits.add, *edits.remove])
    for name in lists:
        if name in edits.values:
            raise InvalidValue(f"{name} is given twice", remedy="Set it, or add and remove items")
    for name in [*edits.values, *lists]:
        if other := OTHER_ACTS.get(field_named(project, name).history_name):
            raise InvalidValue(
                f"{name} is not changed by an edit", remedy=f"Use: postrail issues {other}"
            )
    return {
        **edits.values,
        **{name: _edited_list(project, before, name, edits) for name in lists},
    }


def _edited_list(project: Project, before: Mapping[str, Any], name: str, edits: Edits) -> list[str]:
    """Returns the items with the added ones and without the removed ones; these may be missing.

    Raises InvalidValue for a field that is no list.
    """
    one = field_named(project, name)
    if not isinstance(one.empty, tuple):
        raise InvalidValue(f"{one.name} is not a list", remedy=f"Set {one.name} as a whole")
    items = [*before.get(one.history_name, ()), *edits.add.get(name, ())]
    removed = edits.remove.get(name, ())
    return [item for item in items if not any(same(item, gone.strip()) for gone in removed)]
