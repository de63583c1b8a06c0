"""`postrail mail retry`: one failed message, or all those with a reason."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.retry import (
    Retried,
    Selection,
    retry_mail,
    retry_selected,
    select_failed,
)
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write, shared_clock
from services.cli.options import Author, author_name
from services.cli.output import SHORT_ID, Json, show_json, show_table

# More messages than these are retried only after a question, or with --yes.
WITHOUT_QUESTION = 10


def retry(
    mail_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="The id of a failed or quarantined message, or of one that stays fetched; or its"
            " first characters.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="All failed messages with this reason."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All failed messages.")] = False,
    mailbox: Annotated[
        str | None, typer.Option("--mailbox", help="Only messages of this mailbox.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask when there are many.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which messages would be retried.")
    ] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Handle failed messages again from their raw bytes, after the cause was fixed.

    The reason may be a part of it, in capitals or not. Quarantined messages are retried by their
    ids only, and so are messages that stay fetched because their record in Kafka is gone.

    Example: [bold]postrail mail retry --reason "permission denied" --dry-run[/bold]
    """
    _require_one_choice(mail_id, reason, everything)
    settings = load(data) if dry_run else load_to_write(data)
    if mail_id is not None:
        if mailbox or dry_run:
            raise ConfigurationError(
                "--mailbox and --dry-run go with --reason or --all",
                remedy=f"See the message before: postrail mail show {mail_id}",
            )
        _retry_one(settings, mail_id, author_name(author), json)
        return
    found = complete(_select(settings, reason, mailbox))
    if dry_run or not found.mail_ids:
        _show_selection(found, json, dry_run=dry_run)
        return
    if not json:
        _print_selection(found)
    _confirm(len(found.mail_ids), yes, json)
    count = complete(_retry_all(settings, found, author_name(author)))
    _show_retried(found, count, json)


def _require_one_choice(mail_id: str | None, reason: str | None, everything: bool) -> None:
    chosen = [mail_id is not None, reason is not None, everything]
    if sum(chosen) != 1 or reason == "":
        raise ConfigurationError(
            "which messages?",
            remedy="Give the id of one, or --reason TEXT, or --all; see: postrail mail list"
            " --state failed",
        )


def _retry_one(settings: Settings, mail_id: str, author: str, json: bool) -> None:
    found = complete(_retry(settings, mail_id, author))
    if json:
        show_json({"requested": 0 if found.already else 1, "mail_id": found.mail.mail_id})
        return
    name = found.mail.mail_id
    if found.already:
        typer.echo(f"Message {name} was asked for already; the fetcher has not served it yet.")
    elif found.mail.state == "fetched":
        typer.echo(
            f"Message {name} is not parsed yet: the fetcher publishes it again within seconds."
            " If its first record is still there, the second changes nothing."
        )
    else:
        typer.echo(f"Message {name} is retried: the fetcher publishes it again within seconds.")
    typer.echo(f"See what becomes of it: postrail mail show {name[:SHORT_ID]}")


def _show_selection(found: Selection, json: bool, *, dry_run: bool) -> None:
    if json:
        show_json({"selected": len(found.mail_ids), "requested": 0, "reasons": found.reasons})
        return
    _print_selection(found)
    if dry_run and found.mail_ids:
        typer.echo("Nothing was changed. To retry them, leave out --dry-run.")


def _print_selection(found: Selection) -> None:
    show_table(
        ["Messages", "Why they failed"],
        [(group.count, group.reason) for group in found.reasons],
        empty="No failed messages.",
    )
    if found.mail_ids:
        typer.echo(f"{len(found.mail_ids)} failed messages in all.")


def _confirm(count: int, yes: bool, json: bool) -> None:
    if yes or count <= WITHOUT_QUESTION:
        return
    if json:
        raise ConfigurationError(
            f"{count} messages would be retried", remedy="Add --yes, as --json asks nothing"
        )
    typer.confirm(f"Retry {count} messages?", abort=True)


def _show_retried(found: Selection, count: int, json: bool) -> None:
    if json:
        show_json({"selected": len(found.mail_ids), "requested": count, "reasons": found.reasons})
        return
    before = len(found.mail_ids) - count
    already = f" {before} were asked for already." if before else ""
    typer.echo(f"{count} messages are retried.{already}")
    typer.echo(
        "The fetcher publishes each again, and it is parsed and handled anew."
        " Follow them: postrail mail follow; what is left: postrail status"
    )


async def _retry(settings: Settings, mail_id: str, author: str) -> Retried:
    async with connected(settings) as connection:
        return await retry_mail(connection, mail_id, author=author, now=await time_of(connection))


async def _select(settings: Settings, reason: str | None, mailbox: str | None) -> Selection:
    async with connected(settings) as connection:
        return await select_failed(connection, reason=reason, mailbox=mailbox)


async def _retry_all(settings: Settings, found: Selection, author: str) -> int:
    clock = await shared_clock(settings)
    return await retry_selected(
        lambda: connected(settings), found.mail_ids, author=author, clock=clock
    )
