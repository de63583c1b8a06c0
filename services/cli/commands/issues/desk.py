"""Does an act on an issue for a command: opens its desk and finds its author."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.database import Connection, open_pool
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.persons import actor_with
from postrail.secrets import Secrets
from postrail.settings import Settings
from services.cli.installation import complete, connected, load_to_write
from services.cli.options import login_name

Author = Annotated[
    str | None,
    typer.Option(
        "--author",
        metavar="ADDRESS",
        help="The address of the person in whose name this is done.",
        show_default="you, as the operator of the installation",
    ),
]

Result = TypeVar("Result")


Run = Callable[[Desk, Actor], Coroutine[Any, Any, Result]]
FindAuthor = Callable[[Connection, str], Coroutine[Any, Any, Actor]]


def at_desk(
    data: Path | None, author: str | None, act: Run[Result], *, find_author: FindAuthor = actor_with
) -> Result:
    """Runs an act at a desk of its own; without an author, the operator is the actor.

    Raises as `find_author`, by default `actor_with`, and as the act do.
    """
    return complete(_at_desk(load_to_write(data), author, act, find_author))


async def _at_desk(
    settings: Settings, author: str | None, act: Run[Result], find_author: FindAuthor
) -> Result:
    message_id_key = Secrets(settings.secrets).message_id_key()
    # A single connection fails at once with the reason; the pool would keep trying.
    async with connected(settings) as connection:
        now = await time_of(connection)
        actor = Actor(name=login_name())
        if author is not None:
            actor = await find_author(connection, author)
    pool = await open_pool(settings.database)
    desk = Desk(
        pool=pool,
        message_id_key=message_id_key,
        excerpt_max_characters=settings.notifications.excerpt_max_characters,
        now=now,
        bundle_seconds=settings.notifications.bundle_seconds,
        letter_files_max_bytes=settings.notifications.letter_files_max_bytes,
    )
    try:
        return await act(desk, actor)
    finally:
        await pool.close()
