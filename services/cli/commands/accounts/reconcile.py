"""`postrail accounts reconcile` and `backfill`: what a mailbox holds beside what was read of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError, TransientError
from services.cli.check_requests import Everything, Names, chosen, enabled, request_looks
from services.cli.commands.configure import Author, login_name
from services.cli.installation import Data, complete, connected, load_to_write
from services.cli.output import Json, console, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from postrail.mailbox_state.reconciliation import Reconciliation
    from postrail.settings import Settings

LOOK_SECONDS = 0.5

Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, help="How long to wait for the figures; 0: not at all."
    ),
]


def reconcile(
    names: Names = None,
    everything: Everything = False,
    wait: Wait = 60,
    author: Author = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Compare what mailboxes hold with what was read of them, and fetch what is missing.

    The fetcher does so by itself once a day. All is well when nothing was unaccounted for.

    Example: [bold]postrail accounts reconcile help[/bold]
    """
    _run(chosen(names, everything), None, wait, author, data, json)


def backfill(
    names: Names = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Mail that the server took in since that day."),
    ] = None,
    everything: Everything = False,
    wait: Wait = 60,
    author: Author = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Fetch older mail once, from before the day that an account's only_after names.

    Mail that was read already has no second effect.

    Example: [bold]postrail accounts backfill help --since 2026-01-31[/bold]
    """
    if since is None:
        raise ConfigurationError("since when?", remedy="Give a day: --since 2026-01-31")
    _run(chosen(names, everything), since.date(), wait, author, data, json)


def _run(
    names: Sequence[str], since: date | None, wait: float, author: str, data: Data, json: bool
) -> None:
    settings = load_to_write(data)
    asked = complete(_ask(settings, names, since, author or login_name()))
    with console().status(f"waiting for the fetcher, {len(asked)} mailboxes"):
        found = complete(_figures(settings, asked, wait))
    if json:
        show_json(found)
        return
    for one in found:
        console().print(_words(one), markup=False)
    unfinished = [one.mailbox for one in found if one.finished_at is None]
    if unfinished and wait:
        raise TransientError(
            f"not finished yet: {', '.join(unfinished)}",
            remedy="It goes on by itself when the fetcher runs and reaches the mailbox:"
            " postrail accounts show NAME, postrail doctor",
        )


async def _ask(
    settings: Settings, names: Sequence[str], since: date | None, author: str
) -> list[int]:
    from postrail.clock import SystemClock
    from postrail.mailbox_state import reconciliation

    async with connected(settings) as connection:
        wanted = await enabled(connection, names)
        now = SystemClock().now()
        ids = [
            await reconciliation.request(connection, name, since=since, author=author, now=now)
            for name in wanted
        ]
    await request_looks(settings, wanted, author)
    return ids


async def _figures(settings: Settings, ids: Sequence[int], wait: float) -> list[Reconciliation]:
    """The comparisons, as soon as all are finished or the time is over."""
    from postrail.mailbox_state import reconciliation

    deadline = asyncio.get_running_loop().time() + wait
    while True:
        async with connected(settings) as connection:
            found = await reconciliation.found_by_ids(connection, ids)
        open_ones = any(one.finished_at is None for one in found)
        if not open_ones or asyncio.get_running_loop().time() >= deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)


def _words(one: Reconciliation) -> str:
    figures = f"{one.held} mails held, {one.unaccounted} unaccounted for, {one.fetched} fetched"
    return f"{one.mailbox}: " + (figures if one.finished_at else f"asked for, so far {figures}")
