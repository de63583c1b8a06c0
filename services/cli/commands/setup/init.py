"""`postrail init`: a commented configuration file to fill in."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import DEFAULT_FILE, Force, write_text


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = DEFAULT_FILE,
    force: Force = False,
) -> None:
    """Write a commented postrail.yaml to fill in.

    Example: [bold]postrail init && $EDITOR postrail.yaml && postrail apply[/bold]
    """
    text = (resources.files("postrail.configuration") / "example.yaml").read_text(encoding="utf-8")
    write_text(file, text, force=force)
    typer.echo(f"Wrote {file}. Fill in your servers, then: postrail apply -f {file} --dry-run")
