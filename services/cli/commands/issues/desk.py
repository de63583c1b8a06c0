"""Does an act on an issue for a command: opens its desk and finds its author."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.database import open_pool
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.persons import actor_with
from postrail.secrets import Secrets
from postrail.settings import Settings
from services.cli.installation import complete, connected, load_to_write
from services.cli.options import login_name

Author = Annotated[
    str,
    typer.Option(
        "--author",
        metavar="ADDRESS",
        help="The address of the person in whose name this is done.",
        show_default="you, as the operator of the installation",
    ),
]

Result = TypeVar("Result")


def at_desk(
    data: Path | None, author: str, act: Callable[[Desk, Actor], Coroutine[Any, Any, Result]]
) -> Result:
    """Runs an act at a desk of its own; without an author, the operator is the actor.

    Raises UnknownPerson for an author who is not an active person, and as the act does.
    """
    return complete(_at_desk(load_to_write(data), author, act))


async def _at_desk(
    settings: Settings, author: str, act: Callable[[Desk, Actor], Coroutine[Any, Any, Result]]
) -> Result:
    message_id_key = Secrets(settings.secrets).message_id_key()
    # A single connection fails at once with the reason; the pool would keep trying.
    async with connected(settings) as connection:
        now = await time_of(connection)
        actor = Actor(name=login_name())
        if author:
            actor = await actor_with(connection, author, "command")
    pool = await open_pool(settings.database)
    desk = Desk(
        pool=pool,
        message_id_key=message_id_key,
        excerpt_max_characters=settings.notifications.excerpt_max_characters,
        now=now,
    )
    try:
        return await act(desk, actor)
    finally:
        await pool.close()
