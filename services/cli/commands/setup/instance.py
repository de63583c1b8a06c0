"""`postrail instance`: which installation owns the database, and how another one takes it over."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail import instance as ownership
from postrail.clock_sync.postgres_time import time_of
from postrail.database import one_connection
from postrail.errors import ConfigurationError
from postrail.instance import Owner
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, load, load_to_write
from services.cli.output import Json, show_fields, show_json

instance = typer.Typer(no_args_is_help=True)


@instance.command("show")
def show(data: Data = None, json: Json = False) -> None:
    """Show the name of this installation, and which installation owns its database."""
    settings = load(data)
    found = complete(_owner(settings))
    fields = {
        "instance": settings.instance,
        "observer": settings.observer,
        "database_of": found.name if found else None,
        "since": found.since if found else None,
    }
    if json:
        show_json(fields)
    else:
        show_fields([(name.replace("_", " ").capitalize(), fields[name]) for name in fields])


@instance.command("adopt")
def adopt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of this installation.")],
    data: Data = None,
) -> None:
    """Take the database over: from now on this installation fetches, handles and sends.

    Stop the other installation first if it uses this same database and not another copy.

    Example: [bold]postrail instance adopt staging[/bold]
    """
    settings = load_to_write(data)
    if name != settings.instance:
        raise ConfigurationError(
            f"this installation is called {settings.instance!r}, not {name!r}",
            setting="POSTRAIL_INSTANCE",
            remedy=f"Set it to {name}, or adopt {settings.instance}",
        )
    before = complete(_adopt(settings))
    if before is not None and before.name == name:
        typer.echo(f"The database belongs to {name} already.")
    else:
        was = f"; before, it belonged to {before.name}" if before else ""
        typer.echo(f"The database now belongs to {name}{was}.")


async def _owner(settings: Settings) -> Owner | None:
    async with one_connection(settings.database) as connection:
        return await ownership.owner(connection)


async def _adopt(settings: Settings) -> Owner | None:
    # The schema is not checked: `migrate` in turn requires that the database is ours.
    async with one_connection(settings.database) as connection:
        now = await time_of(connection)
        return await ownership.adopt(connection, settings.instance, now)
