"""`postrail migrate`: the database tables of this release."""

from __future__ import annotations

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.database import one_connection
from postrail.instance import migrate as migrate_database
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, load_to_write


def migrate(data: Data = None) -> None:
    """Update the database tables to this release."""
    settings = load_to_write(data)
    names = complete(_migrate(settings))
    for name in names:
        typer.echo(f"Applied {name}")
    if not names:
        typer.echo("The database has all migrations of this release.")


async def _migrate(settings: Settings) -> list[str]:
    async with one_connection(settings.database) as connection:
        now = await time_of(connection)
    return await migrate_database(settings.database, settings.instance, now)
