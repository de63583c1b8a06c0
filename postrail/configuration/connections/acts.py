"""Makes a connection the default one, disables and deletes connections, each with its author.

All of it happens in the caller's transaction, and is recorded as `apply` records it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from postrail.configuration import store
from postrail.configuration.change import change_things, thing_named
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.connections.uses import in_use, remedy_for, uses_of
from postrail.configuration.load import outgoing_connections, projects, users_of_connections
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


@dataclass(frozen=True)
class Disabled:
    """What disabling a connection has changed."""

    # It was enabled.
    changed: bool
    # The connection that has become the default in its place, or "".
    new_default: str = ""


async def disable(
    connection: Connection, name: str, *, force: bool, author: str, now: datetime
) -> Disabled:
    """Disables a connection.

    Raises ConfigurationError with what uses it, unless `force` is given for an emergency: its
    messages then go over other connections. If it is the default, its fallback or else the first
    enabled one becomes the default; ConfigurationError if none is enabled.
    """
    connections, uses = await _locked(connection, name)
    chosen = connections[name]
    _require_unused(chosen, uses, connections, force=force)
    if not chosen.enabled:
        return Disabled(changed=False)
    heir = _heir(chosen, connections) if chosen.is_default and uses else None
    after = chosen.model_copy(
        update={"enabled": False, "is_default": heir is None and chosen.is_default}
    )
    await store.save(connection, after, before=chosen, author=author, now=now)
    if heir is None:
        return Disabled(changed=True)
    default = heir.model_copy(update={"is_default": True})
    await store.save(connection, default, before=heir, author=author, now=now)
    return Disabled(changed=True, new_default=heir.name)


async def delete(connection: Connection, name: str, *, author: str, now: datetime) -> None:
    """Deletes a connection and its tokens; raises ConfigurationError with what uses it."""
    connections, uses = await _locked(connection, name)
    chosen = connections[name]
    _require_unused(chosen, uses, connections, force=False)
    await connection.execute(
        sql.SQL("DELETE FROM {table} WHERE name = %s").format(
            table=sql.Identifier(OUTGOING_CONNECTION.table)
        ),
        [name],
    )
    await store.record_change(connection, before=chosen, after=None, author=author, now=now)


async def _locked(
    connection: Connection, name: str
) -> tuple[Mapping[str, OutgoingConnection], list[str]]:
    """Returns all connections, locked with the rest of the configuration, and the uses of one."""
    await store.lock_configuration(connection)
    connections = {one.name: one for one in await outgoing_connections(connection)}
    thing_named(OUTGOING_CONNECTION, name, list(connections.values()))
    by_key = {project.key: project for project in await projects(connection)}
    others = await users_of_connections(connection)
    return connections, uses_of(name, connections, by_key, others)


def _require_unused(
    chosen: OutgoingConnection,
    uses: Sequence[str],
    connections: Mapping[str, OutgoingConnection],
    *,
    force: bool,
) -> None:
    if uses and not force:
        remedy = remedy_for(chosen.name, connections)
        raise ConfigurationError(in_use(chosen.name, uses), remedy=remedy)


def _heir(
    chosen: OutgoingConnection, connections: Mapping[str, OutgoingConnection]
) -> OutgoingConnection:
    """Returns the connection that becomes the default in the place of another one."""
    by_name = [connections[name] for name in sorted(connections)]
    candidates = [one for one in by_name if one.enabled and one is not chosen]
    if not candidates:
        raise ConfigurationError(
            f"no connection but {chosen.name!r} is enabled, so nothing could take its messages",
            remedy=f"To send nothing for now: postrail outgoing pause {chosen.name}",
        )
    return next((one for one in candidates if one.name == chosen.fallback), candidates[0])
