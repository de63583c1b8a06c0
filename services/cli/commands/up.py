"""`postrail up`: a whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postrail.settings import load_settings
from services.cli.data_folder import DEFAULT_FOLDER, Data
from services.cli.local.lifecycle import UpOptions, run_installation


def up(
    data: Data = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Add a mail server, and send sample messages through it."),
    ] = False,
    exit_after_demo: Annotated[
        bool, typer.Option("--exit-after-demo", help="Stop when the sample messages are handled.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE", help="Save the demo's table as SVG.", show_default=False
        ),
    ] = None,
) -> None:
    """Run Kafka, PostgreSQL and all services on this machine, until Ctrl-C.

    All data are kept in one folder; the next start finds them again, and needs no network.

    Example: [bold]postrail up --demo[/bold]
    """
    folder = data or load_settings().data or DEFAULT_FOLDER
    options = UpOptions(
        demo=demo or exit_after_demo or picture is not None,
        exit_after_demo=exit_after_demo,
        picture=picture,
    )
    run_installation(folder, options)
