"""`postrail outgoing release|retry|cancel|settle`: act on one message's deliveries, or on many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.deliveries import (
    CANCEL,
    RELEASE,
    RETRY,
    SETTLE,
    Act,
    Filters,
    Selection,
    all_that_match,
    carry_out,
    of_message,
)
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
# Most replies of servers have an id of their own.
GROUPS_SHOWN = 20

OneId = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="The id of a message, or its first characters."),
]
Issue = Annotated[str | None, typer.Option("--issue", help="Only those of this issue.")]
Recipient = Annotated[
    str | None, typer.Option("--recipient", metavar="ADDRESS", help="Only this recipient.")
]
Over = Annotated[
    str | None,
    typer.Option("--connection", metavar="NAME", help="Only those over this connection."),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="TEXT", help="Only with this text in the reply, or in why held."
    ),
]


Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="TIME", help="Only of messages since this time, in UTC."),
]


@dataclass(frozen=True)
class Options:
    """How a command is carried out."""

    yes: bool
    dry_run: bool
    author: str | None
    json: bool


def release(
    outgoing_id: OneId = None,
    everything: Everything = False,
    issue: Issue = None,
    recipient: Recipient = None,
    over: Over = None,
    reason: Reason = None,
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
    filters = Filters(issue_key=_key(issue), recipient=recipient, over=over, reason=reason)
    options = Options(yes, dry_run, author, json)
    _act(RELEASE, data, outgoing_id, filters, options, everything=everything)


def retry(
    outgoing_id: OneId = None,
    everything: Everything = False,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only deferred, failed or unconfirmed ones.", metavar="STATE"),
    ] = None,
    issue: Issue = None,
    recipient: Recipient = None,
    over: Over = None,
    reason: Reason = None,
    since: Since = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send messages now that wait for their next attempt; with --state, those that have failed.

    Those of unknown outcome ([bold]--state unconfirmed[/bold], or by their id) may arrive twice.

    Example: [bold]postrail outgoing retry --state failed --since 2026-06-30 --dry-run[/bold]
    """
    filters = Filters(
        state=state,
        issue_key=_key(issue),
        recipient=recipient,
        over=over,
        reason=reason,
        since=since.replace(tzinfo=UTC) if since else None,
    )
    options = Options(yes, dry_run, author, json)
    _act(RETRY, data, outgoing_id, filters, options, everything=everything)


def cancel(
    outgoing_id: OneId = None,
    everything: Everything = False,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="Only queued, deferred, held, waiting or unconfirmed ones.",
            metavar="STATE",
        ),
    ] = None,
    issue: Issue = None,
    recipient: Recipient = None,
    over: Over = None,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Never send messages that wait; this cannot be undone.

    Also what waits to go into the next message about its issue, or into a daily one.

    Example: [bold]postrail outgoing cancel --issue HELP-12 --dry-run[/bold]
    """
    filters = Filters(
        state=state, issue_key=_key(issue), recipient=recipient, over=over, reason=reason
    )
    options = Options(yes, dry_run, author, json)
    _act(CANCEL, data, outgoing_id, filters, options, everything=everything)


def settle(
    outgoing_id: OneId = None,
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--failed", help="Whether they have arrived, as you found out."),
    ] = None,
    everything: Everything = False,
    issue: Issue = None,
    recipient: Recipient = None,
    over: Over = None,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Record whether unconfirmed messages have arrived; they are not sent again.

    Example: [bold]postrail outgoing settle --all --connection relay --sent[/bold]
    """
    if sent is None:
        raise ConfigurationError("the outcome is missing", remedy="Give --sent or --failed")
    filters = Filters(issue_key=_key(issue), recipient=recipient, over=over, reason=reason)
    options = Options(yes, dry_run, author, json)
    act = SETTLE["sent" if sent else "failed"]
    _act(act, data, outgoing_id, filters, options, everything=everything)


def _key(issue: str | None) -> str | None:
    return issue.upper() if issue else None


def _act(
    act: Act,
    data: Data,
    outgoing_id: str | None,
    filters: Filters,
    options: Options,
    *,
    everything: bool,
) -> None:
    """Selects deliveries, shows them, asks, carries out the act and reports it."""
    # An id may go with a recipient; everything else selects many.
    many = everything or filters != Filters(recipient=filters.recipient)
    if many == (outgoing_id is not None):
        raise ConfigurationError(
            f"it is not clear which messages to {act.word}",
            remedy="Give the id of a message, or one of the other options, or --all",
        )
    settings = load(data) if options.dry_run else load_to_write(data)
    found = complete(_select(settings, act, outgoing_id, filters))
    changed: Sequence[OutgoingRow] = ()
    if not options.json:
        _print_selection(act, found)
    if found.chosen and not options.dry_run:
        confirm(act.word, act.done, len(found.chosen), yes=options.yes, json=options.json)
        changed = complete(_carry_out(settings, act, found, author_name(options.author)))
    if options.json:
        show_json(_answer(act, found, changed))
    else:
        _print_result(act, found, changed, dry_run=options.dry_run)


def _answer(act: Act, found: Selection, changed: Sequence[OutgoingRow]) -> dict[str, object]:
    return {
        "selected": len(found.chosen),
        act.done: len(changed),
        "suppressed": sorted({row.recipient for row in found.suppressed}),
        "deliveries": [
            {
                "outgoing_id": row.outgoing_id,
                "recipient": row.recipient,
                "issue_key": row.issue_key,
                "state": row.state,
                "reason": row.reply,
            }
            for row in found.chosen
        ],
    }


def _print_selection(act: Act, found: Selection) -> None:
    if found.suppressed and not found.chosen:
        return
    groups: dict[tuple[str, str], list[OutgoingRow]] = defaultdict(list)
    for row in found.chosen:
        groups[row.state, row.reply].append(row)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    show_table(
        ["Messages", "State", "To", "Reply, or why held"],
        [
            (len(group), state, recipients_of(group), reply)
            for (state, reply), group in largest[:GROUPS_SHOWN]
        ],
        empty=f"No messages to {act.word}.",
    )
    if others := sum(len(group) for _, group in largest[GROUPS_SHOWN:]):
        count = len(largest) - GROUPS_SHOWN
        typer.echo(f"And {others} more, of {count} other states and replies: give --json for all.")


def _print_result(
    act: Act, found: Selection, changed: Sequence[OutgoingRow], *, dry_run: bool
) -> None:
    if found.suppressed:
        typer.echo(
            f"Not sent, as their addresses are suppressed: {len(found.suppressed)}, to"
            f" {clean(recipients_of(found.suppressed))}. See: postrail outgoing suppressed list"
        )
    if dry_run and found.chosen:
        typer.echo(f"Nothing was changed. To {act.word} them, leave out --dry-run.")
    elif found.chosen:
        result = "Due now" if act.sends else act.done.capitalize()
        result += f" as {act.outcome}" if act.outcome else ""
        typer.echo(f"{result}: {len(changed)}, to {clean(recipients_of(changed))}.")


def recipients_of(found: Sequence[OutgoingRow]) -> str:
    """Returns the recipients, each once, and of many the first ones."""
    addresses = list(dict.fromkeys(row.recipient for row in found))
    more = len(addresses) - RECIPIENTS_SHOWN
    shown = ", ".join(addresses[:RECIPIENTS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


async def _select(
    settings: Settings, act: Act, outgoing_id: str | None, filters: Filters
) -> Selection:
    async with connected(settings) as connection:
        if outgoing_id is not None:
            return await of_message(connection, act, outgoing_id, filters.recipient)
        return await all_that_match(connection, act, filters)


async def _carry_out(settings: Settings, act: Act, found: Selection, by: str) -> list[OutgoingRow]:
    async with connected(settings) as connection:
        return await carry_out(connection, act, found, by, await time_of(connection))
