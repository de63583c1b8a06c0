"""Reads outgoing connections with their status: what waits for each, its tokens and pauses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.connections.uses import uses_of
from postrail.configuration.load import (
    oauth_credentials,
    outgoing_connections,
    projects,
    users_of_connections,
)
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection, rows
from postrail.oauth.token_rows import NEVER_AUTHORIZED

# A partial index has them.
WAITING = (
    "SELECT connection, count(*) FROM delivery WHERE state IN ('queued', 'deferred') GROUP BY 1"
)
TOKENS = "SELECT connection, state, reason FROM connection_token"
PAUSES = "SELECT connection, paused_at, paused_by, reason FROM outgoing_pause"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionStatus:
    """The status of a connection."""

    # Messages for one recipient each that are queued, or are to be tried again.
    waiting: int
    # What names it, in words.
    used_by: list[str]
    # authorized or needs_authorization; blank: it needs no tokens, or nobody to sign in for them.
    authorization: str
    authorization_reason: str
    paused_at: datetime | None
    paused_by: str
    pause_reason: str


async def connection_statuses(
    connection: Connection,
) -> list[tuple[OutgoingConnection, ConnectionStatus]]:
    """Returns all connections by name, disabled ones included, each with its status."""
    connections = {one.name: one for one in await outgoing_connections(connection)}
    by_key = {project.key: project for project in await projects(connection)}
    others = await users_of_connections(connection)
    waiting = {name: int(count) for name, count in await rows(connection, WAITING)}
    interactive = {one.name for one in await oauth_credentials(connection) if one.interactive}
    tokens = {row[0]: row[1:] for row in await rows(connection, TOKENS)}
    pauses = {row[0]: row[1:] for row in await rows(connection, PAUSES)}
    found = []
    for name, one in connections.items():
        state, reason = "", ""
        if one.credential in interactive:
            state, reason = tokens.get(name, ("needs_authorization", NEVER_AUTHORIZED))
        paused_at, paused_by, why = pauses.get(name, (None, "", ""))
        status = ConnectionStatus(
            waiting=waiting.get(name, 0),
            used_by=uses_of(name, connections, by_key, others),
            authorization=state,
            authorization_reason=reason,
            paused_at=paused_at,
            paused_by=paused_by,
            pause_reason=why,
        )
        found.append((one, status))
    return found
