"""`postrail projects`: the projects of the built-in tracker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from postrail.configuration.models.project import CustomField, IssueType
from postrail.settings import Settings
from postrail.views import projects as view
from postrail.views.projects import ProjectDetail, ProjectRow, RoleRow, StatusRow
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, console, show_fields, show_json, show_table

projects = typer.Typer(no_args_is_help=True)


@projects.command("list")
def list_projects(data: Data = None, json: Json = False) -> None:
    """List the projects with their addresses and numbers of issues.

    Example: [bold]postrail projects list[/bold]
    """
    found = complete(_projects(load(data)))
    if json:
        show_json(found)
        return
    show_table(
        ["Project", "Name", "Lead", "Addresses", "Issues", "Unresolved"],
        [(row.key, row.name, row.lead, row.addresses, row.issues, row.unresolved) for row in found],
        empty="No projects. Write some in postrail.yaml and run postrail apply.",
    )


@projects.command("show")
def show_project(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The key of a project, for example HELP.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a project with its statuses, issue types, fields and roles.

    Example: [bold]postrail projects show HELP[/bold]
    """
    found = complete(_project(load(data), key.upper()))
    if json:
        show_json(found)
    else:
        _print_project(found)


async def _projects(settings: Settings) -> list[ProjectRow]:
    async with connected(settings) as connection:
        return await view.projects(connection)


async def _project(settings: Settings, key: str) -> ProjectDetail:
    async with connected(settings) as connection:
        return await view.project(connection, key)


def _print_project(found: ProjectDetail) -> None:
    row = found.project
    show_fields(
        [
            ("Project", f"{row.key}  {row.name}"),
            ("Description", found.description),
            ("Language", found.language),
            ("Addresses", row.addresses),
            ("Sends by", found.connection),
            ("Messages", _messages(found)),
            ("Lead", row.lead),
            ("Default assignee", found.default_assignee),
            ("Issues", f"{row.issues}, {row.unresolved} of them unresolved"),
            ("Priorities", [f"{level} {name}" for level, name in found.priorities.items()]),
            ("Components", found.components),
        ]
    )
    _print_statuses(found.statuses)
    _print_types(found.issue_types, found.default_issue_type)
    _print_custom_fields(found.fields)
    _print_roles(found.roles, found.known_people)


def _messages(found: ProjectDetail) -> str:
    """Returns how people are told of events, where that is not as usual."""
    daily = "once a day" if found.messages == "digest" else ""
    seconds = found.bundle_seconds
    bundled = "" if seconds is None else f"bundled within {seconds} s" if seconds else "not bundled"
    quoted = "with earlier comments" if found.quote_history else ""
    return ", ".join(filter(None, [daily, bundled, quoted]))


def _print_statuses(statuses: Sequence[StatusRow]) -> None:
    lines = []
    for status in statuses:
        others = [one.name for one in statuses if one.name != status.name]
        following = "any" if list(status.next_statuses) == others else status.next_statuses
        takes = _approval(status)
        lines.append((status.name, status.category, following or "none", takes, status.issues))
    _print_table(["Status", "Category", "May be followed by", "Takes", "Issues"], lines)


def _approval(status: StatusRow) -> str:
    """Returns who may move issues to the status, and how others ask for it."""
    if not status.needs_approval:
        return ""
    if not status.approval_setup:
        return "a lead"
    asked = ", ".join(status.approvers) or "leads"
    return f"{status.approval_rule} of {asked} ({status.approval_setup})"


def _print_types(types: Sequence[IssueType], default: str) -> None:
    lines = [(one.name, one.number, "default" if one.name == default else "") for one in types]
    _print_table(["Issue type", "Number", ""], lines)


def _print_custom_fields(fields: Sequence[CustomField]) -> None:
    if fields:
        lines = [(one.name, one.kind, one.choices) for one in fields]
        _print_table(["Custom field", "Kind", "Choices"], lines)


def _print_roles(roles: Sequence[RoleRow], known_people: str) -> None:
    lines: list[tuple[object, ...]] = [(one.role, one.members) for one in roles]
    lines.append((known_people, "all other known people"))
    _print_table(["Role", "Members"], lines)


def _print_table(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    console().print()
    show_table(columns, lines, empty="")
