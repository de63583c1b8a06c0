"""Makes an issue by hand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postrail import people
from postrail.configuration.load import hold_projects, load_snapshot
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.fields.write import UNRECORDED
from postrail.effects.new_issues import default_assignees, make_issues
from postrail.notifications.events import ISSUE_OPENED, created_for, new_for
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, finish, role_in
from postrail.operate.issues.fields import checked, values_of
from postrail.operate.issues.persons import help_desk
from postrail.operate.issues.watch import watcher_of
from postrail.records import CUSTOM_PREFIX
from postrail.tracker import MEDIUM, IssueDraft, issues
from postrail.tracker.builtin.fields import write_fields
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.issues import IndexedIssue, Involvement, Watcher
from postrail.workflow.checks import Given
from postrail.workflow.fields import field_named, json_value
from postrail.workflow.rights import Act, require
from postrail.workflow.roles import Role
from postrail.workflow.values import InvalidValue, project_with

# The rights that it takes to set fields of a new issue; further ones take the right to edit.
RIGHTS = {
    **dict.fromkeys(["summary", "description", "type", "reporter"], Act.CREATE),
    "assignee": Act.ASSIGN,
}
# New issues have the first status, and no resolution.
LATER = frozenset({"status", "resolution"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Created(Told):
    """A new issue."""


async def create(
    desk: Desk, actor: Actor, project_key: str, values: Mapping[str, Given]
) -> Created:
    """Makes an issue with these values of fields; the actor is the reporter unless one is given.

    The address that the project's mail is from stands for the operator. The reporter and the
    assignee watch it, and are notified unless they are the actor. Raises ProjectNotFound,
    NotAllowed without the right, InvalidValue for a value that the project does not allow, and
    ConfigurationError where the operator needs such an address and there is none.
    """
    async with desk.transaction() as connection:
        await hold_projects(connection, [project_key])
        snapshot = await load_snapshot(connection)
        project = project_with(project_key, snapshot.projects)
        role = await role_in(connection, project, actor)
        _require_rights(project, role, actor, values)
        given = _with_defaults(snapshot, project, actor, values)
        stored = await checked(connection, snapshot, project, given)
        assignees = await default_assignees(connection, snapshot, [project.key])
        default = assignees.get(project.key)
        stored.setdefault("assignee", default.address if default else None)
        reporter, assignee = await _people(connection, stored["reporter"], stored["assignee"])
        if not (reporter.name or actor.address):
            reporter = _named(snapshot, project, reporter)
        act = ActInProgress(
            connection=connection,
            snapshot=snapshot,
            issue=await _inserted(connection, desk, project, stored, reporter),
            project=project,
            actor=actor,
            role=role,
            act=Act.CREATE,
            now=desk.now,
        )
        await _involve(act, stored, reporter, assignee)
        await finish(desk, act)
    return Created(issue_key=act.issue.issue_key, notified=act.notified, held=act.held)


def _require_rights(
    project: Project, role: Role, actor: Actor, values: Mapping[str, Given]
) -> None:
    """Raises NotAllowed for a field that takes a right which the role lacks."""
    acts = {Act.CREATE}
    for given_name, value in values.items():
        name = field_named(project, given_name).history_name
        if name in LATER:
            raise InvalidValue(
                f"{name} is not set for a new issue", remedy="Use then: postrail issues transition"
            )
        acts.add(RIGHTS.get(name, Act.EDIT))
        if name == "reporter" and str(value).strip().lower() != actor.address:
            acts.add(Act.EDIT)
    for act in sorted(acts):
        require(role, act, actor.channel, who=actor.address, project=project.key)


def _with_defaults(
    snapshot: ConfigurationSnapshot, project: Project, actor: Actor, values: Mapping[str, Given]
) -> dict[str, Given]:
    defaults: dict[str, Given] = {
        "summary": "",
        "description": "",
        "type": project.default_issue_type,
        "status": project.first_status,
        "priority": MEDIUM,
        "labels": [],
        "components": [],
        "due": None,
    }
    named = {field_named(project, name).history_name for name in values}
    given = {**{name: defaults[name] for name in defaults if name not in named}, **values}
    if "reporter" not in named:
        given["reporter"] = actor.address or help_desk(snapshot, project, "--reporter").address
    return given


async def _people(
    connection: Connection, reporter: str, assignee: str | None
) -> tuple[Watcher, Watcher | None]:
    """Returns the reporter and the assignee as watchers of the issue."""
    found = await people.by_address(connection, [reporter, *([assignee] if assignee else [])])
    assigned = watcher_of(assignee, found.get(assignee)) if assignee else None
    return watcher_of(reporter, found.get(reporter)), assigned


def _named(snapshot: ConfigurationSnapshot, project: Project, reporter: Watcher) -> Watcher:
    """Returns the reporter, with the name of the help desk where it is its address."""
    sender = snapshot.connection_for(project.key)
    own = sender is not None and sender.from_address.lower() == reporter.address
    return help_desk(snapshot, project, "--reporter") if own else reporter


async def _inserted(
    connection: Connection,
    desk: Desk,
    project: Project,
    stored: Mapping[str, Any],
    reporter: Watcher,
) -> IndexedIssue:
    """Inserts the issue with all its fields and a conversation of its own."""
    draft = IssueDraft(
        project=project.key,
        issue_type=stored["type"],
        status=stored["status"],
        summary=stored["summary"],
        description=stored["description"],
        description_blob=None,
        reporter_address=stored["reporter"],
        reporter_name=reporter.name,
        conversation=str(uuid.uuid4()),
        mail_id=None,
        revision=1,
        attachments=(),
        assignee=stored["assignee"],
        priority=stored["priority"],
        labels=tuple(stored["labels"]),
        components=tuple(stored["components"]),
        due=stored["due"],
    )
    (made,) = await make_issues(connection, BuiltinTracker(), [(draft, None)], desk.now)
    custom = {name: value for name, value in stored.items() if name.startswith(CUSTOM_PREFIX)}
    await write_fields(connection, made.issue_key, project.key, custom)
    return (await issues.by_id(connection, [made.issue_id]))[made.issue_id]


async def _involve(
    act: ActInProgress, stored: Mapping[str, Any], reporter: Watcher, assignee: Watcher | None
) -> None:
    """Notes all values of the new issue; lets its people watch it, and notifies them."""
    for name, value in (await values_of(act)).items():
        if name not in UNRECORDED:
            act.changed(name, None, json_value(value))
    # A person may be both, by two addresses.
    watchers = {one.address: one for one in (reporter, assignee) if one}
    # Mail to an address of ours would come back.
    for own in watchers.keys() & act.snapshot.own_addresses:
        del watchers[own]
    is_own = stored["reporter"] in act.snapshot.own_addresses
    taking_part = Involvement(
        issue_id=act.issue.issue_id,
        watchers=tuple(watchers.values()),
        participants=() if is_own else (stored["reporter"],),
        arrived_at=None,
    )
    await issues.record_involvements(act.connection, [taking_part])
    for address in watchers:
        act.changed("watcher", None, address)
    if not is_own:
        act.announce(created_for(reporter.address), stored["description"])
    if assignee and assignee.address != reporter.address:
        act.announce(new_for(assignee.address), stored["description"], part="assigned")
    act.announce(ISSUE_OPENED, stored["description"], part="opened")
