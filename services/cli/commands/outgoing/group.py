"""Lists and shows the outgoing queue and log, with a line for each recipient."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.errors import ConfigurationError, PermanentError
from postrail.operate.deliveries import Filters
from postrail.settings import Settings
from postrail.views import outgoing as view
from postrail.views.contents import outgoing_bytes
from postrail.views.outgoing import OutgoingRow, of_recipient
from services.cli.commands.outgoing.by_hand import (
    Over,
    Reason,
    Recipient,
    cancel,
    release,
    retry,
    settle,
)
from services.cli.commands.outgoing.pauses import pause, resume
from services.cli.commands.outgoing.suppressed import suppressed
from services.cli.data_folder import Data
from services.cli.delivery_reports import event_words, most_telling
from services.cli.installation import complete, connected, load
from services.cli.output import (
    SHORT_ID,
    Json,
    Limit,
    shortened,
    show_fields,
    show_json,
    show_rows,
    show_table,
)


class State(StrEnum):
    """The states of a delivery to one recipient."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    HELD = "held"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    # For further events of its issue, which go into the same message.
    WAITING = "waiting"


outgoing = typer.Typer(no_args_is_help=True)
outgoing.add_typer(suppressed, name="suppressed")

MailId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of a message, or its first characters.")
]


@outgoing.command("list")
def list_outgoing(
    state: Annotated[
        State | None, typer.Option("--state", help="Only deliveries in this state.")
    ] = None,
    issue: Annotated[
        str | None, typer.Option("--issue", help="Only deliveries of this issue.")
    ] = None,
    recipient: Recipient = None,
    over: Over = None,
    reason: Reason = None,
    bounced: Annotated[
        bool, typer.Option("--bounced", help="Only those that bounced or were complained about.")
    ] = False,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the latest deliveries, newest first; before them what waits for a bundle or a digest.

    Example: [bold]postrail outgoing list --state deferred[/bold]
    """
    filters = Filters(
        issue_key=issue.upper() if issue else None, recipient=recipient, over=over, reason=reason
    )
    found = complete(_deliveries(load(data), state, filters, limit, bounced))
    if json:
        show_json(found)
        return
    why = "Reply, or why held"
    show_rows(
        ["Mail", "Queued", "Issue", "Recipient", "State", "Attempts", "Subject", why],
        [
            (
                row.outgoing_id[:SHORT_ID],
                row.queued_at,
                row.issue_key,
                row.recipient,
                _state(row),
                row.attempts,
                shortened(row.subject),
                row.reply,
            )
            for row in found
        ],
        empty="No outgoing messages.",
        cut=why,
        optional=("Queued", "Attempts", "Subject"),
    )


@outgoing.command("show")
def show_outgoing(
    outgoing_id: MailId,
    raw: Annotated[bool, typer.Option("--raw", help="Print the message itself.")] = False,
    recipient: Recipient = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show an outgoing message and its deliveries, or the message itself to one recipient."""
    settings = load(data)
    found = _only(complete(_deliveries_of(settings, outgoing_id)), recipient)
    if raw:
        sys.stdout.buffer.write(complete(_raw(settings, _one(found))))
        sys.stdout.flush()
    elif json:
        show_json(found)
    else:
        _print(found)


for act in (release, retry, cancel, settle, pause, resume):
    outgoing.command(act.__name__)(act)


def _only(found: list[OutgoingRow], recipient: str | None) -> list[OutgoingRow]:
    """Returns the deliveries to this recipient, or all."""
    wanted = of_recipient(found, recipient)
    if not wanted:
        raise PermanentError(
            f"outgoing message {found[0].outgoing_id} is not for {recipient}",
            remedy=f"See: postrail outgoing show {found[0].outgoing_id[:SHORT_ID]}",
        )
    return wanted


def _one(found: list[OutgoingRow]) -> OutgoingRow:
    """Returns the only delivery: each recipient has a message of their own."""
    if len(found) > 1:
        raise ConfigurationError(
            "each recipient gets a message of their own",
            remedy=f"Choose one with --recipient, for example --recipient {found[0].recipient}",
        )
    return found[0]


async def _deliveries(
    settings: Settings, state: State | None, filters: Filters, limit: int, bounced: bool
) -> list[OutgoingRow]:
    found: list[OutgoingRow] = []
    async with connected(settings) as connection:
        if state in (None, State.WAITING) and not bounced and filters.reason is None:
            found = await view.waiting(
                connection,
                limit=limit,
                issue_key=filters.issue_key,
                recipient=filters.recipient,
                over=filters.over,
            )
        if state is State.WAITING:
            return found
        found += await view.deliveries(
            connection,
            limit=limit,
            state=state.value if state else None,
            issue_key=filters.issue_key,
            recipient=filters.recipient,
            over=filters.over,
            reason=filters.reason,
            bounced=bounced,
        )
    return found[:limit]


async def _deliveries_of(settings: Settings, outgoing_id: str) -> list[OutgoingRow]:
    async with connected(settings) as connection:
        return await view.deliveries_of(connection, outgoing_id)


async def _raw(settings: Settings, row: OutgoingRow) -> bytes:
    return await outgoing_bytes(
        lambda: connected(settings),
        row.outgoing_id,
        row.recipient,
        settings.kafka,
        BlobStore(settings.blobs.url),
    )


def _state(row: OutgoingRow) -> str:
    """Returns the state, and what was reported since.

    A repetition after an unknown outcome is no usual deferral.
    """
    state = row.state
    if row.state == "deferred" and row.unknown_attempts:
        state = f"deferred (outcome unknown {row.unknown_attempts}x)"
    return ", ".join(filter(None, [state, most_telling(row.reports)]))


def _connections(found: list[OutgoingRow]) -> str:
    """Returns the connections of the deliveries, and the fallbacks that sent them."""
    named = {
        f"{row.connection}, sent over {row.sent_over}" if row.sent_over else row.connection
        for row in found
    }
    return "; ".join(sorted(named))


def _to(row: OutgoingRow) -> str:
    return f"{row.name} <{row.recipient}>" if row.name else row.recipient


def _print(found: list[OutgoingRow]) -> None:
    mail = found[0]
    show_fields(
        [
            ("Mail", mail.outgoing_id),
            ("Subject", mail.subject),
            ("Issue", mail.issue_key),
            ("Purpose", mail.purpose or "notification"),
            ("Attached mail", mail.forwards),
            ("Because of", mail.cause),
            ("Connection", _connections(found)),
            ("Queued", mail.queued_at),
            ("Released by", sorted({row.released_by for row in found} - {""})),
        ]
    )
    typer.echo()
    show_table(
        [
            "To",
            "State",
            "Attempts",
            "Changed",
            "Next attempt",
            "Maybe twice",
            "Reply, or why held",
        ],
        [
            (
                _to(row),
                _state(row),
                row.attempts,
                row.changed_at,
                row.due_at if row.state in ("deferred", "waiting") else None,
                "yes" if row.maybe_twice else None,
                row.reply,
            )
            for row in found
        ],
        empty="No recipients.",
    )
    typer.echo()
    # Apart from the others, because Message-IDs are long.
    ids = [(_to(row), row.given_id or row.message_id) for row in found]
    show_table(["To", "Message-ID"], ids, empty="")
    if reports := [(row, report) for row in found for report in row.reports]:
        typer.echo()
        show_table(
            ["To", "Report", "Address", "Reason", "Received", "Mail"],
            [
                (
                    _to(row),
                    event_words(report["event"], report["status"]),
                    report["address"],
                    report["reason"],
                    report["reported_at"],
                    (report["mail_id"] or "")[:SHORT_ID],
                )
                for row, report in reports
            ],
            empty="",
        )
