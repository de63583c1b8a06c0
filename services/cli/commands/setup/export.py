"""`postrail export`: the configuration as a file that `postrail apply` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postrail.configuration.store import read_all
from postrail.configuration.yaml_write import export_text
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.options import Force, write_text

STDOUT = Path("-")
# Names of servers and users are not for every user of this machine.
OWNER_ONLY = 0o600


def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; - is standard output.")
    ] = STDOUT,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed", help="Include encrypted passwords, for installations with the same keys."
        ),
    ] = False,
    force: Force = False,
    data: Data = None,
) -> None:
    """Write the configuration as a file for apply.

    It never holds readable passwords.

    Example: [bold]postrail export backup.yaml --sealed[/bold]
    """
    text = complete(_text(load(data), sealed))
    if file == STDOUT:
        typer.echo(text, nl=False)
    else:
        write_text(file, text, force=force, mode=OWNER_ONLY)
        typer.echo(f"Wrote {file}.")


async def _text(settings: Settings, sealed: bool) -> str:
    async with connected(settings) as connection:
        things = await read_all(connection)
    return export_text(things.values(), sealed=sealed)
