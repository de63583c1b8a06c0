"""`postrail mail follow`: messages as they arrive and as they are handled."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection
from datetime import timedelta

import typer
from rich.text import Text

from postrail.settings import Settings
from postrail.tasks import set_within
from postrail.views.incoming import UNFINISHED, IncomingRow, changed_mails, incoming_mails
from services.cli.commands.mail.changes import Changes
from services.cli.installation import connected, shared_clock
from services.cli.output import SHORT_ID, as_json, console, moment
from services.cli.visible import clean

POLL_SECONDS = 1.0
# The most messages that are followed though they were unfinished at the start.
UNFINISHED_AT_START = 1000
# A row becomes visible when its transaction ends, which may be after younger ones did.
OVERLAP = timedelta(seconds=60)
STATE_STYLES = {"failed": "red", "quarantined": "red", "waiting": "yellow", "done": "green"}


async def follow_mails(
    settings: Settings, states: Collection[str], mailbox: str | None, *, json: bool
) -> None:
    """Prints each change of a message in these states and this mailbox, until Ctrl-C."""
    # asyncio's own Ctrl-C cancels, and Python 3.11 loses a cancellation that comes together with
    # an answer of the database (wait_for, bpo-37658).
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    clock = await shared_clock(settings)
    since = clock.now() - OVERLAP
    async with connected(settings) as connection:
        changes = Changes(
            await incoming_mails(connection, states=UNFINISHED, limit=UNFINISHED_AT_START)
            + await changed_mails(connection, fetched_since=since, unfinished=[])
        )
    while not stop.is_set():
        # A transaction for each poll: a long one would hold back PostgreSQL's vacuum.
        async with connected(settings) as connection:
            rows = await changed_mails(
                connection, fetched_since=since, unfinished=changes.unfinished()
            )
        for row in changes.among(rows):
            if row.state in states and mailbox in (None, row.mailbox):
                _print_line(row, json)
        since = clock.now() - OVERLAP
        changes.forget(since)
        await set_within(stop, POLL_SECONDS)


def _print_line(row: IncomingRow, json: bool) -> None:
    if json:
        typer.echo(as_json(row))
        return
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
