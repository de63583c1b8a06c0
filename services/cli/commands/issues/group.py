"""Defines the group of `postrail issues` commands; each of the other modules adds some to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.rule import Rule
from rich.text import Text

from postrail.blobs import BlobStore
from postrail.settings import Settings
from postrail.views import issues as view
from postrail.views.contents import with_texts
from postrail.views.issues import AttachmentRow, CommentRow, IssueDetail
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import (
    Json,
    console,
    moment,
    show_fields,
    show_json,
    show_texts,
)
from services.cli.visible import clean

issues = typer.Typer(no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of an issue, for example HELP-1.")]


@issues.command("show")
def show_issue(
    key: Key,
    full: Annotated[
        bool, typer.Option("--full", help="Show quoted text and signatures, too.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show an issue with its comments and attachments.

    Example: [bold]postrail issues show HELP-1[/bold]
    """
    found = complete(_issue(load(data), key.upper()))
    if json:
        show_json(found)
    else:
        _print_issue(found, full)


async def _issue(settings: Settings, key: str) -> IssueDetail:
    async with connected(settings) as connection:
        found = await view.issue(connection, key)
    return await with_texts(found, BlobStore(settings.blobs.url))


def _print_issue(found: IssueDetail, full: bool) -> None:
    issue = found.issue
    reporter = f"{issue.reporter_name} <{issue.reporter_address}>".strip()
    show_fields(
        [
            ("Issue", f"{issue.issue_key}  {issue.summary}"),
            ("Status", f"{issue.status}, {issue.issue_type}"),
            ("Reporter", reporter),
            ("Created", issue.created_at),
            ("Changed", issue.changed_at),
            ("Watchers", found.watchers),
            ("Arrived at", found.addresses),
            ("Links", found.links),
            ("Mail", found.mail_id),
        ]
    )
    out = console()
    out.print()
    out.print(Text(clean(found.description)))
    _print_attachments(found.attachments, None)
    for row in found.comments:
        author = f"{row.author_name} <{row.author_address}>".strip()
        title = f"comment {row.comment_id}, {clean(author)}, {moment(row.created_at)}"
        out.print(Rule(Text(title), align="left"))
        out.print(Text(clean(row.body)))
        _print_folded(row, full)
        _print_attachments(found.attachments, row.comment_id)


def _print_folded(row: CommentRow, full: bool) -> None:
    """Prints the quoted text and the signature of a comment, or a hint that they are hidden."""
    if full:
        show_texts([("Quoted", row.quoted_text), ("Signature", row.signature)])
    elif row.quoted_text or row.signature:
        what = "quoted text" if row.quoted_text else "signature"
        console().print(f"({what} hidden: --full shows it)", style="dim")


def _print_attachments(attachments: Sequence[AttachmentRow], comment_id: int | None) -> None:
    for row in attachments:
        if row.comment_id == comment_id:
            typer.echo(
                f"[attached: {clean(row.name)}, {clean(row.content_type)}, {row.size} bytes]"
            )


# Each of these modules adds its commands to the group.
import services.cli.commands.issues.comment  # noqa: E402
import services.cli.commands.issues.create  # noqa: E402
import services.cli.commands.issues.edit  # noqa: E402
import services.cli.commands.issues.history  # noqa: E402
import services.cli.commands.issues.link  # noqa: E402
import services.cli.commands.issues.list  # noqa: E402
import services.cli.commands.issues.move  # noqa: E402
import services.cli.commands.issues.watch  # noqa: E402, F401
