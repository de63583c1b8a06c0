"""`postrail export`: the configuration as a file that `postrail apply` takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, connected, load

if TYPE_CHECKING:
    from postrail.settings import Settings

STDOUT = Path("-")


def export(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="The file to write; - is standard output.")
    ] = STDOUT,
    sealed: Annotated[
        bool,
        typer.Option("--sealed", help="With encrypted passwords, for who has the same keys."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    data: Data = None,
) -> None:
    """Write connections, projects, accounts and people as a file that apply takes.

    Passwords are never readable in it.

    Example: [bold]postrail export backup.yaml --sealed[/bold]
    """
    text = complete(_text(load(data), sealed))
    if file == STDOUT:
        typer.echo(text, nl=False)
    else:
        _write(file, text, force)
        typer.echo(f"Wrote {file}.")


async def _text(settings: Settings, sealed: bool) -> str:
    from postrail.configuration.store import read_all
    from postrail.configuration.yaml_write import export_text

    async with connected(settings) as connection:
        things = await read_all(connection)
    return export_text(things.values(), sealed=sealed)


def _write(file: Path, text: str, force: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        # Names of servers and users are nothing for everybody on this machine.
        with os.fdopen(os.open(file, flags, 0o600), "w", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{file} exists already", remedy="Name another file, or replace it with --force"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy="Name a file that you may write"
        ) from error
