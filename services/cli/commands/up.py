"""`postrail up`: a whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.installation import DEFAULT_FOLDER, Data


def up(
    data: Data = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="With a mail server, and sample mails that go through it."),
    ] = False,
    exit_after_demo: Annotated[
        bool, typer.Option("--exit-after-demo", help="End when the sample mails are through.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE", help="Save the demo's table as SVG.", show_default=False
        ),
    ] = None,
) -> None:
    """Run Kafka, PostgreSQL and all services on this machine, until Ctrl-C.

    Everything is kept in one folder, and is there again at the next start, also without a network.

    Example: [bold]postrail up --demo[/bold]
    """
    from postrail.settings import load_settings
    from services.cli.local.lifecycle import UpOptions, run_installation

    folder = data or load_settings().data or DEFAULT_FOLDER
    wishes = UpOptions(
        demo=demo or exit_after_demo or picture is not None,
        exit_after_demo=exit_after_demo,
        picture=picture,
    )
    run_installation(folder, wishes)
