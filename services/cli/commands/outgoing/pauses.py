"""`postrail outgoing pause|resume`: stop and start the sending, of one connection or of all."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration.load import outgoing_connections
from postrail.errors import ConfigurationError, PermanentError
from postrail.outgoing.routing import pauses
from postrail.outgoing.routing.pauses import ALL, Pause
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load_to_write
from services.cli.options import Author, author_name
from services.cli.selection import Everything
from services.cli.visible import clean

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The outgoing connection.")]


def pause(
    name: Name = None,
    everything: Everything = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for other people.")
    ] = "",
    author: Author = None,
    data: Data = None,
) -> None:
    """Stop sending over a connection, or all sending; messages wait until it is resumed.

    What is being sent at this moment is completed. Issues and comments are made as before.

    Example: [bold]postrail outgoing pause --all --reason "a rule mails everybody"[/bold]
    """
    wanted = _wanted(name, everything)
    complete(_pause(load_to_write(data), wanted, author_name(author), reason))
    typer.echo(
        clean(f"Paused: {_shown(wanted)}. To go on: postrail outgoing resume {_as_given(wanted)}")
    )


def resume(name: Name = None, everything: Everything = False, data: Data = None) -> None:
    """Send again over a paused connection, or end the pause of all sending.

    Example: [bold]postrail outgoing resume relay[/bold]
    """
    wanted = _wanted(name, everything)
    still = complete(_resume(load_to_write(data), wanted))
    typer.echo(clean(f"Resumed: {_shown(wanted)}.{still}"))


def _wanted(name: str | None, everything: bool) -> str:
    if (name is None) != everything:
        raise ConfigurationError(
            "which connection?", remedy="Name one, or give --all for all of them"
        )
    return ALL if name is None else name


def _shown(name: str) -> str:
    return "all connections" if name == ALL else name


def _as_given(name: str) -> str:
    return "--all" if name == ALL else name


async def _pause(settings: Settings, name: str, by: str, reason: str) -> None:
    async with connected(settings) as connection:
        known = [one.name for one in await outgoing_connections(connection)]
        if name != ALL and name not in known:
            raise PermanentError(
                f"there is no outgoing connection {name!r}",
                remedy=f"Name one of: {', '.join(known)}" if known else "None is configured",
            )
        now = await time_of(connection)
        wanted = Pause(connection=name, paused_at=now, paused_by=by, reason=reason)
        await pauses.pause(connection, wanted)


async def _resume(settings: Settings, name: str) -> str:
    """Ends the pause; returns a sentence about others that still hold up the sending."""
    async with connected(settings) as connection:
        if not await pauses.resume(connection, name):
            paused = [_as_given(one.connection) for one in await pauses.pauses(connection)]
            raise PermanentError(
                f"not paused: {_shown(name)}",
                remedy=f"Paused: {', '.join(paused)}" if paused else "Nothing is paused",
            )
        left = [one.connection for one in await pauses.pauses(connection)]
    if name == ALL:
        return f" Still paused: {', '.join(left)}." if left else ""
    return " All sending is still paused: postrail outgoing resume --all" if ALL in left else ""
