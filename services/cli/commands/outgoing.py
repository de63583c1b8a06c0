"""`postrail outgoing`: the outgoing queue and log, a line for each recipient."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import PermanentError
from services.cli.installation import Data, complete, connected, load
from services.cli.output import Json, Limit, show_fields, show_json, show_table

if TYPE_CHECKING:
    from postrail.settings import Settings
    from postrail.views.outgoing import OutgoingRow

SHORT_ID = 8


class State(StrEnum):
    """The states of a delivery to one recipient."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    CANCELLED = "cancelled"


outgoing = typer.Typer(
    name="outgoing", no_args_is_help=True, help="Outgoing mails: to whom, and how it went."
)


@outgoing.command("list")
def list_outgoing(
    state: Annotated[State | None, typer.Option("--state", help="In this state.")] = None,
    issue: Annotated[str | None, typer.Option("--issue", help="Of this issue.")] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the newest deliveries, newest first.

    Example: [bold]postrail outgoing list --state deferred[/bold]
    """
    found = complete(_deliveries(load(data), state, issue, limit))
    if json:
        show_json(found)
        return
    show_table(
        ["Mail", "Queued", "Issue", "Recipient", "State", "Tries", "Subject", "Server's reply"],
        [
            (
                row.outgoing_id[:SHORT_ID],
                row.queued_at,
                row.issue_key,
                row.recipient,
                row.state,
                row.attempts,
                row.subject,
                row.reply,
            )
            for row in found
        ],
        empty="No outgoing mails.",
    )


@outgoing.command("show")
def show_outgoing(
    outgoing_id: Annotated[
        str, typer.Argument(metavar="ID", help="A mail's id, or its first characters.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the mail itself.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show an outgoing mail and each of its deliveries, or the mail itself."""
    settings = load(data)
    found = complete(_deliveries_of(settings, outgoing_id))
    if raw:
        sys.stdout.buffer.write(complete(_raw(settings, found[0].outgoing_id)))
        sys.stdout.flush()
    elif json:
        show_json(found)
    else:
        _print(found)


async def _deliveries(
    settings: Settings, state: State | None, issue: str | None, limit: int
) -> list[OutgoingRow]:
    from postrail.views import outgoing as core

    async with connected(settings) as connection:
        return await core.deliveries(
            connection,
            limit=limit,
            state=state.value if state else None,
            issue_key=issue.upper() if issue else None,
        )


async def _deliveries_of(settings: Settings, outgoing_id: str) -> list[OutgoingRow]:
    """The deliveries of the one mail whose id begins so."""
    from postrail.views import outgoing as core

    async with connected(settings) as connection:
        found = await core.deliveries_of(connection, outgoing_id)
    ids = {row.outgoing_id for row in found}
    if len(ids) != 1:
        count = "several outgoing mails" if ids else "no outgoing mail"
        raise PermanentError(
            f"{count} with an id that begins with {outgoing_id!r}",
            remedy="See: postrail outgoing list --json",
        )
    return found


async def _raw(settings: Settings, outgoing_id: str) -> bytes:
    from postrail.blobs import BlobStore
    from postrail.views import outgoing as core

    async with connected(settings) as connection:
        message, blob = await core.stored_message(connection, outgoing_id)
    if message is not None:
        return message
    if blob is None:
        raise PermanentError(f"the text of outgoing mail {outgoing_id} was not kept")
    return await BlobStore(settings.blobs.url).get(blob)


def _print(found: list[OutgoingRow]) -> None:
    mail = found[0]
    show_fields(
        [
            ("Mail", mail.outgoing_id),
            ("Subject", mail.subject),
            ("Issue", mail.issue_key),
            ("Because of", mail.cause),
            ("Connection", mail.connection),
            ("Message-ID", mail.message_id),
            ("Queued", mail.queued_at),
        ]
    )
    typer.echo()
    show_table(
        ["Recipient", "State", "Tries", "Changed", "Next try", "Maybe twice", "Server's reply"],
        [
            (
                row.recipient,
                row.state,
                row.attempts,
                row.changed_at,
                row.due_at if row.state == "deferred" else None,
                "yes" if row.maybe_twice else None,
                row.reply,
            )
            for row in found
        ],
        empty="No recipients.",
    )
