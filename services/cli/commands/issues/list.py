"""`postrail issues list`: the issues that a query finds."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.operate.issues.persons import known_person
from postrail.query.parse import filtered
from postrail.query.tree import Query
from postrail.settings import Settings
from postrail.views.issue_search import ListedIssue, found_issues
from services.cli.commands.issues.group import issues
from services.cli.commands.issues.values import local_part
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, Limit, show_json, show_rows

COLUMNS = (
    *("Issue", "Status", "Type", "Priority", "Summary"),
    *("Assignee", "Reporter", "Comments", "Changed"),
)


@issues.command("list")
def list_issues(
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="A query like those of Jira (JQL).")
    ] = "",
    project: Annotated[
        str | None, typer.Option("--project", help="Only issues of this project.")
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only issues with this status.")
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--author", metavar="ADDRESS", help="The person whom currentUser() stands for."
        ),
    ] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the issues that a query finds, or those that changed last.

    Example: [bold]postrail issues list 'project = HELP AND status != Done AND reporter ~
    "@example.com" ORDER BY updated DESC'[/bold]

    Fields: key, project, type, status, category, resolution, priority, assignee, reporter, watcher,
    labels, components, summary, created, updated, resolved, due, custom fields by their names, and
    text, which searches all words: text ~ "paper jam". Operators: = != ~ !~ < <= > >= IN, NOT IN,
    IS EMPTY, IS NOT EMPTY, AND, OR, NOT. Times: 2026-01-31, -7d, now(), startOfDay(-1). People:
    ada@example.org, currentUser(), membersOf("group").
    """
    asked = filtered(query, project=project, status=status)
    found = complete(_found(load(data), asked, author, limit))
    if json:
        show_json(found)
    else:
        _print(found)


async def _found(
    settings: Settings, query: Query, author: str | None, limit: int
) -> list[ListedIssue]:
    async with connected(settings) as connection:
        now = await time_of(connection)
        # As the times in the table below.
        zone: tzinfo | None = now.astimezone().tzinfo
        current_user = None
        if author is not None:
            person = await known_person(connection, author)
            current_user = person.address
            zone = ZoneInfo(person.time_zone) if person.time_zone else zone
        assert zone is not None, "a time with a zone has one"
        return await found_issues(
            connection, query, now=now, limit=limit, current_user=current_user, zone=zone
        )


def _print(found: list[ListedIssue]) -> None:
    show_rows(
        COLUMNS,
        [
            (
                row.key,
                row.status,
                row.type,
                row.priority_name,
                row.summary,
                local_part(row.assignee or ""),
                local_part(row.reporter),
                row.comments,
                row.updated,
            )
            for row in found
        ],
        empty="No issues.",
        cut="Summary",
        optional=("Assignee", "Type", "Comments", "Priority", "Reporter"),
    )
