"""`postrail migrate`: the database tables of this release."""

from __future__ import annotations

import typer

from postrail.clock import SystemClock
from postrail.instance import migrate as migrate_database
from services.cli.data_folder import Data
from services.cli.installation import complete, load_to_write


def migrate(data: Data = None) -> None:
    """Update the database tables to this release."""
    settings = load_to_write(data)
    names = complete(migrate_database(settings.database, settings.instance, SystemClock().now()))
    for name in names:
        typer.echo(f"Applied {name}")
    if not names:
        typer.echo("The database has all migrations of this release.")
