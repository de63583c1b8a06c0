"""Which installation a command works on: the one of `postrail up`, or the one the settings name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from postrail.database import Connection
    from postrail.settings import Settings

# Where `postrail up` puts an installation when nobody says otherwise.
DEFAULT_FOLDER = Path("postrail-data")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The folder of `postrail up` to work on.",
        show_default=False,
    ),
]
Result = TypeVar("Result")

_adopted: list[Path] = []


def load(data: Path | None) -> Settings:
    """The settings of the installation that was asked for; raises ConfigurationError."""
    from postrail.settings import adopt, load_settings

    settings = load_settings()
    folder = _folder(data, settings)
    if folder is None:
        return settings
    from postrail.embedded.endpoints import read_endpoints

    adopt(read_endpoints(folder).environment())
    _adopted[:] = [folder]
    return load_settings()


def load_to_write(data: Path | None) -> Settings:
    """The same, for commands that write elsewhere than into tables; an observer may not."""
    settings = load(data)
    refuse_observer(settings)
    return settings


def refuse_observer(settings: Settings) -> None:
    """Raises ConfigurationError where nothing may be changed."""
    from postrail.errors import ConfigurationError

    if settings.observer:
        raise ConfigurationError(
            "this is an observer, which changes nothing",
            setting="POSTRAIL_OBSERVER",
            remedy="Run the command without POSTRAIL_OBSERVER",
        )


def _folder(data: Path | None, settings: Settings) -> Path | None:
    """The folder whose addresses are taken: --data, POSTRAIL_DATA, or the one right here."""
    if data is not None:
        return data
    # Who names servers in the environment means those, not a demo that ran in this folder.
    named = {"kafka", "database"} & settings.model_fields_set
    folder = settings.data or (None if named else DEFAULT_FOLDER)
    return folder if folder is not None and (folder / "endpoints.json").exists() else None


def adopted_folder() -> Path | None:
    """The folder whose addresses this process took, for messages."""
    return _adopted[0] if _adopted else None


def complete(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs the asyncio side of a command to its end."""
    return asyncio.run(work)


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connection]:
    """A transaction on the installation's database, which has this release's tables."""
    from postrail.database import one_connection, require_current_schema

    async with one_connection(settings.database) as connection:
        await require_current_schema(connection)
        yield connection


@contextlib.asynccontextmanager
async def connected_to_own(settings: Settings) -> AsyncIterator[Connection]:
    """The same for commands that log in with what is stored there.

    In a copy of another instance's database its passwords and tokens are copies, too, and a
    refresh token that is used by the copy may be good for its owner no more.
    """
    from postrail.instance import owner, require_same

    async with connected(settings) as connection:
        # An observer is refused by its secrets, whosever the database is.
        if not settings.observer:
            require_same(await owner(connection), settings.instance)
        yield connection
