"""Makes a connection the default one, disables and deletes connections, each with its author.

All of it happens in the caller's transaction, and is recorded as `apply` records it.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import sql

from postrail.configuration import store
from postrail.configuration.change import change_things, thing_named
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.connections.uses import in_use, remedy_for, uses_of
from postrail.configuration.load import contexts, outgoing_connections, projects
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.plan import Plan
from postrail.database import Connection
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets


async def make_default(
    connection: Connection, name: str, secrets: Secrets, *, author: str, now: datetime
) -> Plan:
    """Makes an enabled connection the default one, in the place of the one that is.

    Raises PermanentError for an unknown name, ConfigurationError for a disabled connection.
    """
    await store.lock_configuration(connection)
    found = await outgoing_connections(connection)
    chosen = thing_named(OUTGOING_CONNECTION, name, found)
    if not chosen.enabled:
        raise ConfigurationError(
            f"connection {name!r} is disabled, so it cannot be the default one",
            remedy=f"Enable it first: postrail connections enable {name}",
        )
    changes = {one.name: {"is_default": False} for one in found if one.is_default}
    return await change_things(
        connection,
        OUTGOING_CONNECTION,
        {**changes, name: {"is_default": True}},
        secrets,
        author=author,
        now=now,
    )


async def disable(
    connection: Connection, name: str, *, force: bool, author: str, now: datetime
) -> bool:
    """Disables a connection; returns whether it was enabled.

    Raises ConfigurationError with what uses it, unless `force` is given for an emergency: its
    messages then go over other connections.
    """
    chosen = await _unused(connection, name, force=force)
    if not chosen.enabled:
        return False
    after = chosen.model_copy(update={"enabled": False})
    await store.save(connection, after, before=chosen, author=author, now=now)
    return True


async def delete(connection: Connection, name: str, *, author: str, now: datetime) -> None:
    """Deletes a connection and its tokens; raises ConfigurationError with what uses it."""
    chosen = await _unused(connection, name, force=False)
    await connection.execute(
        sql.SQL("DELETE FROM {table} WHERE name = %s").format(
            table=sql.Identifier(OUTGOING_CONNECTION.table)
        ),
        [name],
    )
    await store.record_change(connection, before=chosen, after=None, author=author, now=now)


async def _unused(connection: Connection, name: str, *, force: bool) -> OutgoingConnection:
    """Returns the connection, locked with the rest of the configuration, if it may go."""
    await store.lock_configuration(connection)
    connections = {one.name: one for one in await outgoing_connections(connection)}
    chosen = thing_named(OUTGOING_CONNECTION, name, list(connections.values()))
    by_key = {project.key: project for project in await projects(connection)}
    uses = uses_of(name, connections, by_key, await contexts(connection))
    if uses and not force:
        raise ConfigurationError(in_use(name, uses), remedy=remedy_for(name, connections))
    return chosen
