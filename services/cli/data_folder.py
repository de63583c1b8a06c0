"""The data folder of `postrail up`: the option that names it, and the one that is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Where `postrail up` keeps an installation by default.
DEFAULT_FOLDER = Path("postrail-data")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The folder of the installation, as given to postrail up.",
        show_default=False,
    ),
]

_adopted: list[Path] = []


def adopted_folder() -> Path | None:
    """Returns the folder whose addresses this process uses."""
    return _adopted[0] if _adopted else None


def note_adopted(folder: Path) -> None:
    """Remembers the folder whose addresses this process uses."""
    _adopted[:] = [folder]
