"""Deletes outgoing connections, with all that is kept for them."""

from __future__ import annotations

from datetime import datetime

from postrail.configuration.connections import acts
from postrail.database import Connection
from postrail.outgoing.routing import pauses, rates


async def delete(connection: Connection, name: str, *, author: str, now: datetime) -> None:
    """Deletes a connection with its tokens, pause and rate; raises what `acts.delete` does.

    Else a new connection of this name would be paused from the start.
    """
    await acts.delete(connection, name, author=author, now=now)
    await pauses.resume(connection, name)
    await rates.forget(connection, name)
