"""`postrail outgoing release`: messages that a limit holds are sent, by id or all that match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.held import HeldSelection, all_held, held_of_message, release_held
from postrail.settings import Settings
from postrail.views.outgoing import OutgoingRow
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.options import Author, author_name
from services.cli.output import Json, show_json, show_table
from services.cli.selection import DryRun, Everything, Yes, confirm
from services.cli.visible import clean

# The recipients that a line names.
RECIPIENTS_SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """Which held messages are to be sent: those of the id, or all that match."""

    outgoing_id: str | None
    issue: str | None
    recipient: str | None
    reason: str | None


def release(
    outgoing_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The id of a message, or its first characters."),
    ] = None,
    everything: Everything = False,
    issue: Annotated[str | None, typer.Option("--issue", help="Only those of this issue.")] = None,
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="ADDRESS", help="Only this recipient.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Only with this text in why they are held."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send messages that a limit holds.

    What is held because its address is suppressed stays held: see
    [bold]postrail outgoing suppressed release[/bold].

    Example: [bold]postrail outgoing release --all --issue HELP-12 --dry-run[/bold]
    """
    many = bool(everything or issue or reason)
    if many == (outgoing_id is not None):
        raise ConfigurationError(
            "it is not clear which messages to release",
            remedy="Give the id of a message, or --issue or --reason, or --all",
        )
    wanted = Wanted(outgoing_id, issue.upper() if issue else None, recipient, reason)
    settings = load(data) if dry_run else load_to_write(data)
    found = complete(_select(settings, wanted))
    sent: Sequence[OutgoingRow] = ()
    if not json:
        _print_selection(found)
    if found.to_send and not dry_run:
        confirm("release", "released", len(found.to_send), yes=yes, json=json)
        sent = complete(_release(settings, found, author_name(author)))
    if json:
        show_json(_answer(found, sent))
    else:
        _print_result(found, sent, dry_run=dry_run)


def _answer(found: HeldSelection, sent: Sequence[OutgoingRow]) -> dict[str, object]:
    return {
        "selected": len(found.to_send),
        "released": len(sent),
        "suppressed": sorted({row.recipient for row in found.suppressed}),
        "deliveries": [
            {
                "outgoing_id": row.outgoing_id,
                "recipient": row.recipient,
                "issue_key": row.issue_key,
                "reason": row.reply,
            }
            for row in found.to_send
        ],
    }


def _print_selection(found: HeldSelection) -> None:
    if found.suppressed and not found.to_send:
        return
    reasons = dict.fromkeys(row.reply for row in found.to_send)
    groups = [[row for row in found.to_send if row.reply == reason] for reason in reasons]
    show_table(
        ["Messages", "To", "Why held"],
        [(len(group), recipients_of(group), group[0].reply) for group in groups],
        empty="No held messages.",
    )


def _print_result(found: HeldSelection, sent: Sequence[OutgoingRow], *, dry_run: bool) -> None:
    if found.suppressed:
        typer.echo(
            f"Stay held, as their addresses are suppressed: {len(found.suppressed)}, to"
            f" {clean(recipients_of(found.suppressed))}. See: postrail outgoing suppressed list"
        )
    if dry_run and found.to_send:
        typer.echo("Nothing was changed. To release them, leave out --dry-run.")
    elif found.to_send:
        typer.echo(f"Due now: {len(sent)}, to {clean(recipients_of(sent))}.")


def recipients_of(found: Sequence[OutgoingRow]) -> str:
    """Returns the recipients, each once, and of many the first ones."""
    addresses = list(dict.fromkeys(row.recipient for row in found))
    more = len(addresses) - RECIPIENTS_SHOWN
    shown = ", ".join(addresses[:RECIPIENTS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


async def _select(settings: Settings, wanted: Wanted) -> HeldSelection:
    async with connected(settings) as connection:
        if wanted.outgoing_id is not None:
            return await held_of_message(connection, wanted.outgoing_id, wanted.recipient)
        return await all_held(
            connection, issue_key=wanted.issue, recipient=wanted.recipient, reason=wanted.reason
        )


async def _release(settings: Settings, found: HeldSelection, by: str) -> list[OutgoingRow]:
    async with connected(settings) as connection:
        return await release_held(connection, found, by, await time_of(connection))
