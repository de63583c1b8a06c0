"""Obeys field commands of messages, by the rights and rules of the same acts by hand.

A command that cannot be obeyed never stops its message: a note below the text says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from postrail import people
from postrail.configuration.models.project import Project
from postrail.decision.decision import AddComment, FieldCommand
from postrail.decision.facts import IssueRef
from postrail.effects.batch import Context, Work
from postrail.effects.fields.write import progress_shown, stored_values, write_values
from postrail.effects.involvement import author_of
from postrail.effects.notify import Announcement
from postrail.errors import PermanentError
from postrail.notifications.events import STATUS_CHANGED, assigned_to, assignment_to
from postrail.tracker.builtin.history import Behind, Change, insert_changes
from postrail.tracker.builtin.issues import touch_issues
from postrail.tracker.watchers import add_watchers
from postrail.workflow import transitions
from postrail.workflow.checks import FieldContext
from postrail.workflow.fields import addresses_in, check_value, field_named
from postrail.workflow.rights import Act, require
from postrail.workflow.roles import Role, role_of
from postrail.workflow.transitions import Progress, act_of, status_named
from postrail.workflow.values import InvalidValue, same

# The acts of fields; all others are edited.
ACTS = {"status": Act.TRANSITION, "resolution": Act.TRANSITION, "assignee": Act.ASSIGN}
# Clears a field.
NOTHING = "none"
# What no command changes: what the message itself says, and what follows from the status.
REFUSED = {
    "description": "it is what the message says",
    "reporter": "it is the sender of the message",
    "resolution": "it follows from the status",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedCommands:
    """The values that commands set, as they are stored, and why others are not set."""

    # By the names that history has.
    values: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


NO_COMMANDS = CheckedCommands()


async def obey_commands(
    context: Context, work: Work[AddComment]
) -> tuple[CheckedCommands, list[Announcement]]:
    """Obeys the commands of a comment on its issue, which is locked, and returns what people hear.

    An issue of which several messages of a batch set fields must be done one after the other.
    """
    if not work.effect.commands:
        return NO_COMMANDS, []
    issue, project = work.effect.issue, context.snapshot.projects[work.effect.issue.project]
    before = await stored_values(context.connection, project, issue.issue_key)
    checked = await check_commands(context, work, project, before)
    return checked, await write_commands(context, work, issue, checked)


async def check_commands(
    context: Context, work: Work[Any], project: Project, before: Mapping[str, Any]
) -> CheckedCommands:
    """Checks the commands of a message one by one, each after those before it."""
    commands: Sequence[FieldCommand] = work.effect.commands
    sender = author_of(work.due.mail, context.snapshot).address
    role = role_of(project, await people.find(context.connection, sender))
    persons = await people.by_address(context.connection, _addresses(project, commands))
    fields = FieldContext(project=project, people=persons, priorities=context.snapshot.priorities)
    values: dict[str, Any] = {}
    notes = []
    for one in commands:
        try:
            values |= _checked(fields, (sender, role), {**before, **values}, one, context.now)
        except PermanentError as error:
            remedy = f". {error.remedy}" if error.remedy else ""
            notes.append(f"{one.field}: {one.value} is not set: {error.problem}{remedy}")
    return CheckedCommands(values=values, notes=tuple(notes))


def _addresses(project: Project, commands: Sequence[FieldCommand]) -> set[str]:
    found: set[str] = set()
    for one in commands:
        try:
            found |= addresses_in(project, {one.field: one.value})
        except InvalidValue:
            # An unknown field becomes a note.
            continue
    return found


def _checked(
    fields: FieldContext,
    sender: tuple[str, Role],
    before: Mapping[str, Any],
    command: FieldCommand,
    now: datetime,
) -> dict[str, Any]:
    """Returns the values that a command sets; raises PermanentError for one that it may not."""
    project, (address, role) = fields.project, sender
    known = field_named(project, command.field)
    name = known.history_name
    if name in REFUSED:
        raise InvalidValue(f"no command sets {name}: {REFUSED[name]}")
    if name == "status":
        act = act_of(status_named(project, command.value))
        require(role, act, "mail", who=address, project=project.key)
        return _moved(project, before, command.value, now)
    require(role, ACTS.get(name, Act.EDIT), "mail", who=address, project=project.key)
    given = None if same(command.value, NOTHING) else command.value
    value = check_value(fields, command.field, given)
    # A custom field without choices has no row.
    return {name: None if known.custom and value == [] else value}


def _moved(
    project: Project, before: Mapping[str, Any], wanted: str, now: datetime
) -> dict[str, Any]:
    progress = Progress(
        status=before["status"], resolution=before["resolution"], resolved_at=before["resolved"]
    )
    after = transitions.transition(project, progress, wanted, now=now)
    return {"status": after.status, "resolution": after.resolution, "resolved": after.resolved_at}


async def write_commands(
    context: Context, work: Work[Any], issue: IssueRef, checked: CheckedCommands
) -> list[Announcement]:
    """Writes the checked values with their history, and returns what people are told of."""
    if not checked.values:
        return []
    project = context.snapshot.projects[issue.project]
    before = await stored_values(context.connection, project, issue.issue_key)
    place = (issue.issue_id, issue.issue_key)
    changes = await write_values(context.connection, place, project, before, checked.values)
    changes = [one for one in changes if one.before != one.after]
    if not changes:
        return []
    await touch_issues(context.connection, [issue.issue_key], context.now)
    for act, of_act in groupby(sorted(changes, key=_act), key=_act):
        await insert_changes(
            context.connection, issue.issue_key, _behind(context, work, act), list(of_act)
        )
    return await _announcements(context, work, issue, before, checked.values)


def _act(change: Change) -> Act:
    return ACTS.get(change.field, Act.EDIT)


def _behind(context: Context, work: Work[Any], act: Act) -> Behind:
    author, mail = author_of(work.due.mail, context.snapshot), work.due.mail
    return Behind(
        act_id=mail.mail_id,
        act=act,
        actor_address=author.address,
        actor_name=author.name,
        channel="mail",
        mail_id=mail.mail_id,
        changed_at=context.now,
    )


async def _announcements(
    context: Context,
    work: Work[Any],
    issue: IssueRef,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> list[Announcement]:
    """Returns what the new assignee is told, who watches the issue from now on, and the others."""
    told = []
    if (assignee := after.get("assignee")) and assignee != before["assignee"]:
        person = await people.find(context.connection, assignee)
        name = person.name if person else ""
        await add_watchers(context.connection, [(issue.issue_id, assignee, name)])
        told.append((assigned_to(assignee), before["description"], "assigned"))
        told.append((assignment_to(name or assignee), before["description"], "assignee"))
    if progress := progress_shown(before, {**before, **after}):
        told.append((STATUS_CHANGED, progress, "status"))
    author = author_of(work.due.mail, context.snapshot)
    return [
        Announcement(
            issue_id=issue.issue_id,
            event=event,
            cause=f"{work.due.cause} {part}",
            author=author,
            body=body,
            mail=work.due.mail,
        )
        for event, body, part in told
    ]
