"""`postrail mails`: the incoming queue and log, what became of each mail and why."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import PermanentError
from services.cli.commands.mail_follow import Following
from services.cli.installation import Data, complete, connected, load, load_to_write
from services.cli.output import (
    Json,
    Limit,
    as_json,
    clean,
    console,
    moment,
    show_fields,
    show_json,
    show_table,
    show_texts,
)

if TYPE_CHECKING:
    from postrail.settings import Settings
    from postrail.views.incoming import IncomingDetail, IncomingRow, MailText

FOLLOW_SECONDS = 1.0
# How many mails that are unfinished at the start are followed.
FOLLOW_MOST = 1000
# A row becomes visible when its transaction ends, which may be after younger ones did.
OVERLAP = timedelta(seconds=60)
# As many characters of an id as make it unlikely that two mails share them.
SHORT_ID = 8
STATE_STYLES = {"failed": "red", "quarantined": "red", "waiting": "yellow", "done": "green"}


class State(StrEnum):
    """The states of incoming mail."""

    FETCHED = "fetched"
    NEW = "new"
    WORKING = "working"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    QUARANTINED = "quarantined"


mails = typer.Typer(
    name="mails", no_args_is_help=True, help="Incoming mails: what became of each, and why."
)

Mailbox = Annotated[str | None, typer.Option("--mailbox", help="Of this mailbox.")]
States = Annotated[
    list[State] | None, typer.Option("--state", help="In this state; may be given several times.")
]


@mails.command("list")
def list_mails(
    state: States = None,
    mailbox: Mailbox = None,
    issue: Annotated[str | None, typer.Option("--issue", help="Of this issue.")] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the mails that were fetched last, newest first.

    Example: [bold]postrail mails list --state failed --mailbox help[/bold]
    """
    states = [item.value for item in state or []]
    found = complete(_mails(load(data), states, mailbox, issue, limit))
    if json:
        show_json(found)
        return
    show_table(
        ["Mail", "Fetched", "Mailbox", "State", "Outcome", "Issue", "Sender", "Subject", "Why"],
        [
            (
                row.mail_id[:SHORT_ID],
                row.fetched_at,
                row.mailbox,
                row.state,
                row.outcome,
                row.issue_key,
                row.sender,
                row.subject,
                row.reason,
            )
            for row in found
        ],
        empty="No mails.",
    )


@mails.command("show")
def show_mail(
    mail_id: Annotated[
        str, typer.Argument(metavar="ID", help="A mail's id, or its first characters.")
    ],
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the mail itself, byte by byte as it was read.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what became of a mail and why, or the mail itself.

    Example: [bold]postrail mails show 3f2a91c0 --raw > mail.eml[/bold]
    """
    settings = load(data)
    if raw:
        sys.stdout.buffer.write(complete(_raw(settings, mail_id)))
        sys.stdout.flush()
        return
    found, text = complete(_mail(settings, mail_id))
    if json:
        show_json({**asdict(found), **asdict(text)})
    else:
        _print_mail(found, text)


@mails.command("follow")
def follow(
    state: States = None, mailbox: Mailbox = None, data: Data = None, json: Json = False
) -> None:
    """Print each mail as it arrives and as it is decided, until Ctrl-C."""
    settings = load(data)
    states = frozenset(item.value for item in state or State)
    complete(_follow(settings, states, mailbox, json))


@mails.command("retry")
def retry(
    mail_id: Annotated[
        str, typer.Argument(metavar="ID", help="A failed mail's id, or its first characters.")
    ],
    data: Data = None,
) -> None:
    """Let a failed mail be handled again, after its cause was mended."""
    found = complete(_retry(load_to_write(data), mail_id))
    typer.echo(f"Mail {found} is due again: postrail mails show {found[:SHORT_ID]}")


async def _mails(
    settings: Settings, states: list[str], mailbox: str | None, issue: str | None, limit: int
) -> list[IncomingRow]:
    from postrail.views import incoming as reading

    async with connected(settings) as connection:
        return await reading.incoming_mails(
            connection,
            states=states,
            mailbox=mailbox,
            issue_key=issue.upper() if issue else None,
            limit=limit,
        )


async def _mail(settings: Settings, mail_id: str) -> tuple[IncomingDetail, MailText]:
    from postrail.blobs import BlobStore
    from postrail.views import incoming as reading

    async with connected(settings) as connection:
        mail = await reading.incoming_mail(connection, mail_id)
        return mail, await reading.mail_text(connection, mail, BlobStore(settings.blobs.url))


async def _retry(settings: Settings, mail_id: str) -> str:
    from postrail.clock import SystemClock
    from postrail.incoming import queue as incoming
    from postrail.views import incoming as reading

    async with connected(settings) as connection:
        mail = await reading.incoming_mail(connection, mail_id)
        if not await incoming.retry(connection, mail.mail_id, SystemClock().now()):
            raise PermanentError(
                f"mail {mail.mail_id} cannot be tried again: its state is {mail.state}",
                remedy="Only mails that failed after they were parsed can",
            )
    return mail.mail_id


async def _raw(settings: Settings, mail_id: str) -> bytes:
    from postrail.blobs import BlobStore
    from postrail.views import incoming as reading

    blobs = BlobStore(settings.blobs.url)
    async with connected(settings) as connection:
        mail = await reading.incoming_mail(connection, mail_id)
        return await reading.raw_bytes(connection, mail, settings.kafka, blobs)


async def _follow(
    settings: Settings, states: frozenset[str], mailbox: str | None, json: bool
) -> None:
    from postrail.clock import SystemClock
    from postrail.tasks import set_within
    from postrail.views import incoming as reading

    # asyncio's own Ctrl-C cancels, and Python 3.11 loses a cancellation that comes together with
    # an answer of the database (wait_for, bpo-37658).
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    clock = SystemClock()
    since = clock.now() - OVERLAP
    async with connected(settings) as connection:
        following = Following(
            await reading.incoming_mails(connection, states=reading.UNFINISHED, limit=FOLLOW_MOST)
            + await reading.changed_mails(connection, fetched_since=since, unfinished=[])
        )
    while not stop.is_set():
        # A transaction each time: an open one would hold back the database's own cleaning.
        async with connected(settings) as connection:
            rows = await reading.changed_mails(
                connection, fetched_since=since, unfinished=following.unfinished()
            )
        for row in following.news(rows):
            if row.state in states and mailbox in (None, row.mailbox):
                _print_line(row, json)
        since = clock.now() - OVERLAP
        following.forget(since)
        await set_within(stop, FOLLOW_SECONDS)


def _print_line(row: IncomingRow, json: bool) -> None:
    if json:
        typer.echo(as_json(row))
        return
    from rich.text import Text

    words = [
        moment(row.handled_at or row.fetched_at),
        row.mail_id[:SHORT_ID],
        row.mailbox,
        row.state,
        row.issue_key or "",
        row.subject,
        f"({row.outcome or row.state}: {row.reason})" if row.reason else "",
    ]
    line = clean("  ".join(word for word in words if word)).replace("\n", " ")
    console().print(Text(line, STATE_STYLES.get(row.state, "")), soft_wrap=True)


def _print_mail(mail: IncomingDetail, text: MailText) -> None:
    show_fields(
        [
            ("Mail", mail.mail_id),
            ("Subject", mail.subject),
            ("Sender", mail.sender),
            ("Message-ID", mail.message_id),
            ("Mailbox", f"{mail.mailbox}, {mail.source}"),
            ("Size", f"{mail.size} bytes"),
            ("Received", mail.received_at),
            ("Fetched", mail.fetched_at),
            ("State", mail.state),
            ("Outcome", mail.outcome),
            ("Why", mail.reason),
            ("Issue", mail.issue_key),
            ("Comment", mail.comment_id),
            ("Handled", mail.handled_at),
            ("Next try", mail.due_at if mail.state == "waiting" else None),
            ("Tries before", mail.attempts or None),
            ("Revision", mail.revision),
            ("Conversation", mail.conversation),
            ("Kafka record", _record(mail)),
            ("Blobs", mail.blobs),
            ("Decided from", as_json(mail.trace, indent=2) if mail.trace else None),
            ("Text", text.text_problem),
        ]
    )
    show_texts(
        [
            ("New text", text.new_text),
            ("Quoted", text.quoted_text),
            ("Signature", text.signature),
        ]
    )


def _record(mail: IncomingDetail) -> str | None:
    if mail.raw_partition is None:
        return None
    return f"mail.fetched, partition {mail.raw_partition}, offset {mail.raw_offset}"
