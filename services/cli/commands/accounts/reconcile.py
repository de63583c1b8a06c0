"""`postrail accounts reconcile` and `backfill`: mailboxes compared with what was read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer

from postrail.errors import ConfigurationError, TransientError
from postrail.mailbox_state.reconciliation import Reconciliation
from postrail.operate.reconcile import (
    lost_records,
    request_reconciliations,
    wait_for_reconciliations,
)
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load_to_write, shared_clock
from services.cli.options import Author, Everything, Names, author_name, chosen
from services.cli.output import Json, console, show_json

Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, help="How long to wait for the result; 0: not at all."
    ),
]


def reconcile(
    names: Names = None,
    everything: Everything = False,
    wait: Wait = 60,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Compare mailboxes with the messages read from them, and fetch missing ones.

    The fetcher does the same once a day. The expected result is 0 unaccounted for.

    Example: [bold]postrail accounts reconcile help[/bold]
    """
    _run(chosen(names, everything), None, wait, author, data, json)


def backfill(
    names: Names = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Fetch messages received since that day."),
    ] = None,
    everything: Everything = False,
    wait: Wait = 60,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Fetch older messages once, from before the day in an account's only_after.

    Messages that were read already have no second effect.

    Example: [bold]postrail accounts backfill help --since 2026-01-31[/bold]
    """
    if since is None:
        raise ConfigurationError("since when?", remedy="Give a day: --since 2026-01-31")
    _run(chosen(names, everything), since.date(), wait, author, data, json)


def _run(
    names: Sequence[str],
    since: date | None,
    wait: float,
    author: str | None,
    data: Data,
    json: bool,
) -> None:
    settings = load_to_write(data)
    clock = complete(shared_clock(settings))
    ids = complete(
        request_reconciliations(
            lambda: connected(settings),
            settings.kafka,
            names,
            since=since,
            author=author_name(author),
            clock=clock,
        )
    )
    with console().status(f"waiting for the fetcher, {len(ids)} mailboxes"):
        found = complete(
            wait_for_reconciliations(
                lambda: connected(settings), ids, wait_seconds=wait, clock=clock
            )
        )
    lost = complete(lost_records(lambda: connected(settings)))
    if json:
        show_json([{**asdict(one), "lost": lost.get(one.mailbox, 0)} for one in found])
        return
    for one in found:
        console().print(_described(one, lost.get(one.mailbox, 0)), markup=False)
    unfinished = [one.mailbox for one in found if one.finished_at is None]
    if unfinished and wait:
        raise TransientError(
            f"not finished yet: {', '.join(unfinished)}",
            remedy="It continues as soon as the fetcher runs and reaches the mailbox; see"
            " postrail accounts show NAME and postrail doctor",
        )


def _described(one: Reconciliation, lost: int) -> str:
    figures = f"{one.held} messages held, {one.unaccounted} unaccounted for, {one.fetched} fetched"
    if lost:
        figures += f", {lost} lost in Kafka and to be published again"
    return f"{one.mailbox}: " + (figures if one.finished_at else f"not finished, so far {figures}")
