"""`postrail outgoing suppressed`: the addresses that are not written to."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.suppressed import Held, release_address
from postrail.settings import Settings
from postrail.views import outgoing as view
from postrail.views.outgoing import SuppressedRow
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.options import Author, author_name
from services.cli.output import Json, Limit, show_json, show_rows
from services.cli.visible import clean

suppressed = typer.Typer(
    no_args_is_help=True,
    help="List and release addresses that bounced or complained, and are not written to.",
)


@suppressed.command("list")
def list_suppressed(limit: Limit = 100, data: Data = None, json: Json = False) -> None:
    """List the addresses that are not written to, the latest first.

    Example: [bold]postrail outgoing suppressed list[/bold]
    """
    found = complete(_suppressed(load(data), limit))
    if json:
        show_json(found)
        return
    show_rows(
        ["Address", "Since", "Held", "Reason"],
        [(row.address, row.since, row.held, row.reason) for row in found],
        empty="No suppressed addresses.",
        cut="Reason",
        optional=("Since",),
    )


@suppressed.command("release")
def release(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", show_default=False)],
    send_held: Annotated[
        bool, typer.Option("--send-held", help="Send what is held for it.")
    ] = False,
    cancel_held: Annotated[
        bool, typer.Option("--cancel-held", help="Cancel what is held for it.")
    ] = False,
    author: Author = None,
    data: Data = None,
) -> None:
    """Write to an address again; without an option, what is held for it stays held.

    Example: [bold]postrail outgoing suppressed release pat@example.org --send-held[/bold]
    """
    if send_held and cancel_held:
        raise ConfigurationError(
            "--send-held and --cancel-held contradict each other", remedy="Give one of them"
        )
    held: Held = "send" if send_held else "cancel" if cancel_held else "keep"
    count = complete(_release(load_to_write(data), address, held, author_name(author)))
    typer.echo(clean(f"{address} is written to again.{_about_held(address, held, count)}"))


def _about_held(address: str, held: Held, count: int) -> str:
    if held == "keep":
        return f" What is held for it: postrail outgoing release --all --recipient {address}"
    return f" Held messages {'sent' if held == 'send' else 'cancelled'}: {count}."


async def _suppressed(settings: Settings, limit: int) -> list[SuppressedRow]:
    async with connected(settings) as connection:
        return await view.suppressed(connection, limit=limit)


async def _release(settings: Settings, address: str, held: Held, by: str) -> int:
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await release_address(connection, address, held, by=by, now=now)
