"""The installation that a command works on: that of `postrail up`, or that of the settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from postrail.clock import Clock, SystemClock
from postrail.clock_sync.postgres_time import clock_of
from postrail.database import Connection, one_connection, require_current_schema
from postrail.embedded.endpoints import read_endpoints
from postrail.errors import ConfigurationError, PipelineError
from postrail.instance import owner, require_same
from postrail.settings import Settings, adopt, load_settings
from services.cli.data_folder import DEFAULT_FOLDER, note_adopted

Result = TypeVar("Result")


def load(data: Path | None) -> Settings:
    """Returns the settings of the installation to work on; raises ConfigurationError."""
    settings = load_settings()
    folder = _folder(data, settings)
    if folder is None:
        return settings
    adopt(read_endpoints(folder).environment())
    note_adopted(folder)
    return load_settings()


def load_to_write(data: Path | None) -> Settings:
    """Does the same, and raises ConfigurationError in an observer.

    It is for commands that write elsewhere than into tables, which refuse an observer themselves.
    """
    settings = load(data)
    refuse_observer(settings)
    return settings


def refuse_observer(settings: Settings) -> None:
    """Raises ConfigurationError in an observer, which may change nothing."""
    if settings.observer:
        raise ConfigurationError(
            "this is an observer, which changes nothing",
            setting="POSTRAIL_OBSERVER",
            remedy="Run the command without POSTRAIL_OBSERVER",
        )


def _folder(data: Path | None, settings: Settings) -> Path | None:
    """Returns the folder to take addresses from: --data, POSTRAIL_DATA, or the default one."""
    if data is not None:
        return data
    # Servers named in the environment win over a demo that happened to run in this folder.
    named = {"kafka", "database"} & settings.model_fields_set
    folder = settings.data or (None if named else DEFAULT_FOLDER)
    return folder if folder is not None and (folder / "endpoints.json").exists() else None


async def shared_clock(settings: Settings) -> Clock:
    """Returns a clock that tells PostgreSQL's time; the machine's while that is unavailable."""
    try:
        async with one_connection(settings.database) as connection:
            return await clock_of(connection)
    except PipelineError:
        return SystemClock()


def complete(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs the asynchronous part of a command to its end."""
    return asyncio.run(work)


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connection]:
    """Opens a transaction on the installation's database, which must have this release's tables."""
    async with one_connection(settings.database) as connection:
        await require_current_schema(connection)
        yield connection


@contextlib.asynccontextmanager
async def connected_to_read(settings: Settings) -> AsyncIterator[Connection]:
    """Does the same for commands that only try something: PostgreSQL refuses each write."""
    database = settings.database.model_copy(update={"read_only": True})
    async with one_connection(database) as connection:
        await require_current_schema(connection)
        yield connection


@contextlib.asynccontextmanager
async def connected_to_own(settings: Settings) -> AsyncIterator[Connection]:
    """Does the same for commands that log in with stored credentials.

    In a copy of another instance's database, its passwords and tokens are copies too, and a
    refresh token that the copy uses may become invalid for its owner.
    """
    async with connected(settings) as connection:
        # An observer cannot read its secrets, whichever instance owns the database.
        if not settings.observer:
            require_same(await owner(connection), settings.instance)
        yield connection
