"""`postrail issues`: the issues of the built-in tracker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, connected, load, load_to_write
from services.cli.output import (
    Json,
    Limit,
    clean,
    console,
    moment,
    show_fields,
    show_json,
    show_table,
    show_texts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postrail.blobs import BlobStore
    from postrail.database import Connection
    from postrail.effects.comment import Commented
    from postrail.settings import Settings
    from postrail.views.issues import AttachmentRow, CommentRow, IssueDetail, IssueRow

issues = typer.Typer(name="issues", no_args_is_help=True, help="Issues and their comments.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of an issue, such as HELP-1.")]


@issues.command("list")
def list_issues(
    project: Annotated[str | None, typer.Option("--project", help="Of this project.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Of this status.")] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the issues that changed last."""
    found = complete(_issues(load(data), project, status, limit))
    if json:
        show_json(found)
        return
    show_table(
        ["Issue", "Status", "Type", "Summary", "Reporter", "Comments", "Changed"],
        [
            (
                row.issue_key,
                row.status,
                row.issue_type,
                row.summary,
                row.reporter_address,
                row.comments,
                row.changed_at,
            )
            for row in found
        ],
        empty="No issues.",
    )


@issues.command("show")
def show_issue(
    key: Key,
    full: Annotated[
        bool, typer.Option("--full", help="Show also what comments quote, and their signatures.")
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


@issues.command("comment")
def comment(
    key: Key,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The comment; - reads stdin.")],
    author: Annotated[
        str | None,
        typer.Option(
            "--author",
            metavar="ADDRESS",
            help="Who comments.",
            show_default="the address that the project's mail is from",
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Comment on an issue; its watchers are told by mail.

    Example: [bold]postrail issues comment HELP-1 "It is mended." --author agent@example.org[/bold]
    """
    text = sys.stdin.read() if text == "-" else text
    if not text.strip():
        raise ConfigurationError("a comment needs a text", remedy="Give it after the key")
    if author is not None and not _is_address(author):
        raise ConfigurationError(
            f"{author!r} is not an address", remedy="Give one such as agent@example.org"
        )
    done = complete(_comment(load_to_write(data), key.upper(), text, author))
    if json:
        show_json({"issue_key": key.upper(), "comment_id": done.comment_id, "told": done.told})
        return
    told = ", ".join(done.told) or "nobody: it has no other watchers"
    typer.echo(f"Comment {done.comment_id} is on {key.upper()}. Told by mail: {told}.")


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and not any(c.isspace() or c in "<>" for c in text)


async def _issues(
    settings: Settings, project: str | None, status: str | None, limit: int
) -> list[IssueRow]:
    from postrail.views import issues as reading

    async with connected(settings) as connection:
        return await reading.issues(connection, project=project, status=status, limit=limit)


async def _issue(settings: Settings, key: str) -> IssueDetail:
    """The issue, with texts that were too large for their rows read from their blobs."""
    from dataclasses import replace

    from postrail.blobs import BlobStore
    from postrail.views import issues as reading

    async with connected(settings) as connection:
        found = await reading.issue(connection, key)
    blobs = BlobStore(settings.blobs.url)
    return replace(
        found,
        description=await _text(found.description, found.description_blob, blobs),
        comments=[await _with_texts(row, blobs) for row in found.comments],
    )


async def _with_texts(row: CommentRow, blobs: BlobStore) -> CommentRow:
    from dataclasses import replace

    from postrail.incoming.reply_parts import parts_from

    if row.reply_blob is None:
        return replace(row, body=await _text(row.body, row.body_blob, blobs))
    parts = parts_from(await blobs.get(row.reply_blob))
    return replace(
        row,
        body=row.body or parts.new_text,
        quoted_text=parts.quoted_text,
        signature=parts.signature,
    )


async def _text(short: str, blob: str | None, blobs: BlobStore) -> str:
    return short if blob is None else (await blobs.get(blob)).decode(errors="replace")


async def _comment(settings: Settings, key: str, text: str, author: str | None) -> Commented:
    """Commits the comment with its mails; the services' sweepers hand the mails to Kafka."""
    from postrail.clock import SystemClock
    from postrail.database import open_pool
    from postrail.effects.comment import add_comment
    from postrail.secrets import Secrets
    from postrail.tracker.builtin.tracker import BuiltinTracker

    message_id_key = Secrets(settings.secrets).message_id_key()
    # A single connection tells at once why there is none; the pool would go on trying.
    async with connected(settings) as connection:
        address, name = await _author(connection, key, author)
    pool = await open_pool(settings.database)
    try:
        return await add_comment(
            pool,
            BuiltinTracker(),
            issue_key=key,
            author_address=address,
            author_name=name,
            text=text,
            message_id_key=message_id_key,
            now=SystemClock().now(),
        )
    finally:
        await pool.close()


async def _author(connection: Connection, key: str, author: str | None) -> tuple[str, str]:
    """Address and name of who comments: the person of that address, or the help desk itself."""
    from postrail.configuration import load

    if author is not None:
        names = {person.address: person.name for person in await load.people(connection)}
        return author, names.get(author.lower(), "")
    sender = (await load.load_snapshot(connection)).connection_for(key.rpartition("-")[0])
    if sender is None:
        raise ConfigurationError(
            f"no connection sends the mail of {key}", remedy="Say who comments with --author"
        )
    return sender.from_address, sender.from_name


def _print_issue(found: IssueDetail, full: bool) -> None:
    from rich.rule import Rule
    from rich.text import Text

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
    """What a comment's mail holds beside what is new, or that there is such."""
    folded = [("Quoted", row.quoted_text), ("Signature", row.signature)]
    if full:
        show_texts(folded)
    elif row.quoted_text or row.signature:
        what = "quoted text" if row.quoted_text else "signature"
        console().print(f"({what} hidden: --full shows it)", style="dim")


def _print_attachments(attachments: Sequence[AttachmentRow], comment_id: int | None) -> None:
    for row in attachments:
        if row.comment_id == comment_id:
            typer.echo(
                f"[attached: {clean(row.name)}, {clean(row.content_type)}, {row.size} bytes]"
            )
