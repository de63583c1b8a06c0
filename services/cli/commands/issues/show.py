"""`postrail issues show`: one issue, as a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.settings import Settings
from postrail.views.contents import with_texts
from postrail.views.issue_detail import IssueDetail, LinkRow, UndeliveredRow, issue_detail
from services.cli.commands.issues.conversation import print_conversation
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import shown_value
from services.cli.data_folder import Data
from services.cli.delivery_reports import undelivered_words
from services.cli.installation import complete, connected, load
from services.cli.output import Json, console, moment, show_fields, show_json


@issues.command("show")
def show_issue(
    key: Key,
    full: Annotated[
        bool,
        typer.Option("--full", help="Show quoted text, signatures and texts before edits, too."),
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show an issue with its comments, files and changes, in the order of time.

    Example: [bold]postrail issues show HELP-1[/bold]
    """
    found = complete(_issue(load(data), key.upper()))
    if json:
        show_json(found)
        return
    _print_head(found, key.upper())
    console().print()
    print_conversation(found, full=full)


async def _issue(settings: Settings, key: str) -> IssueDetail:
    async with connected(settings) as connection:
        found = await issue_detail(connection, key)
    return await with_texts(found, BlobStore(settings.blobs.url))


def _print_head(found: IssueDetail, asked: str) -> None:
    issue = found.issue
    if asked in found.merged_from:
        typer.echo(f"{asked} was merged into {issue.key}.")
    elif asked != issue.key:
        typer.echo(f"{asked} is {issue.key} now.")
    about = [issue.category or "", issue.resolution or ""]
    # Once: a status is mostly called as its category, and as the resolution.
    about = [one for one in about if one.casefold() not in ("", issue.status.casefold())]
    status = f"{issue.status} ({', '.join(about)})" if about else issue.status
    show_fields(
        [
            ("Issue", f"{issue.key}  {issue.summary}"),
            ("Status", status),
            ("Type", issue.type),
            ("Priority", issue.priority_name or issue.priority),
            ("Assignee", _person(issue.assignee_name, issue.assignee or "")),
            ("Reporter", _person(issue.reporter_name, issue.reporter)),
            ("Labels", issue.labels),
            ("Components", issue.components),
            ("Due", issue.due),
            *((one.field, shown_value(one.value)) for one in found.fields),
            ("Created", issue.created),
            ("Updated", issue.updated),
            ("Resolved", issue.resolved),
            ("Watchers", found.watchers),
            ("Arrived at", found.addresses),
            *(("Bounced", _undelivered(row)) for row in found.undelivered),
            *_links(found.links),
            ("Merged from", found.merged_from),
            ("Formerly", found.former_keys),
            ("Mail", issue.mail_id),
            ("Arrived", issue.arrived),
        ]
    )


def _undelivered(row: UndeliveredRow) -> str:
    told = undelivered_words(
        row.recipient,
        row.event,
        row.status,
        row.reason,
        row.address,
        suppressed=row.suppressed,
    )
    return f"{told} ({moment(row.reported_at)})"


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address else name or address


def _links(links: Sequence[LinkRow]) -> list[tuple[str, str]]:
    """Returns a line for each link, with the relation as its name."""
    return [
        (link.relation.capitalize(), f"{link.issue_key} ({link.status})  {link.summary}")
        for link in links
    ]
