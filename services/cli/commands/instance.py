"""`postrail instance`: whose database this is, and how another installation takes it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, load, load_to_write
from services.cli.output import Json, show_fields, show_json

if TYPE_CHECKING:
    from postrail.instance import Owner
    from postrail.settings import Settings

instance = typer.Typer(
    name="instance", no_args_is_help=True, help="Which installation works with the database."
)


@instance.callback()
def _instance() -> None:
    """Which installation works with the database."""


@instance.command("show")
def show(data: Data = None, json: Json = False) -> None:
    """Show what this installation is called, and whose database it has."""
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
    name: Annotated[str, typer.Argument(help="What this installation is called.")],
    data: Data = None,
) -> None:
    """Take the database over: from now on this installation fetches, handles and sends.

    Stop the other one first, if it works with this very database and not with another copy.

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
        was = f"; it was that of {before.name}" if before else ""
        typer.echo(f"The database belongs to {name} now{was}.")


async def _owner(settings: Settings) -> Owner | None:
    from postrail.database import one_connection
    from postrail.instance import owner

    async with one_connection(settings.database) as connection:
        return await owner(connection)


async def _adopt(settings: Settings) -> Owner | None:
    from postrail import instance as ownership
    from postrail.clock import SystemClock
    from postrail.database import one_connection

    # Not only with this release's tables: `migrate` wants the database to be ours.
    async with one_connection(settings.database) as connection:
        return await ownership.adopt(connection, settings.instance, SystemClock().now())
