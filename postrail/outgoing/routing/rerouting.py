"""Moves waiting deliveries to the outgoing connection that the configuration now says.

Messages name a connection when they are queued. When that one is disabled, renamed or removed, or
when their project or context gets another one, those that wait go over the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows_as
from postrail.tracker import issues

# A statement that moves more might end at PostgreSQL's statement_timeout.
BATCH = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Routes:
    """The enabled connection that the messages of each project go over."""

    # The names of all enabled connections.
    usable: frozenset[str] = frozenset()
    by_project: Mapping[str, str] = field(default_factory=dict)
    # Of enabled contexts that name one.
    by_context: Mapping[str, str] = field(default_factory=dict)
    # Of messages about no issue; None: no connection is enabled and the default.
    default: str | None = None

    def of(self, context: str, project: str) -> str | None:
        """Returns the connection of messages about issues; None: it is not known."""
        return self.by_context.get(context) or self.by_project.get(project)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What the route of waiting deliveries depends on."""

    connection: str
    issue_id: int | None
    context: str
    moved_from: str
    # An earlier attempt may have succeeded.
    may_have_arrived: bool

    def stays_with(self, route: str) -> bool:
        """Returns whether they keep their enabled connection, though this is their route.

        They are too large for it, or may have arrived over the one that they have.
        """
        return self.may_have_arrived or self.moved_from == route


_WAITING: LiteralString = """
    SELECT DISTINCT delivery.connection, delivery.issue_id, mail.context, moved_from,
        unknown_attempts > 0 AS may_have_arrived
    FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)
    WHERE state IN ('queued', 'deferred')
        AND (delivery.issue_id IS NOT NULL OR delivery.connection <> ALL (%b::text[]))
"""
_MOVE: LiteralString = """
    WITH waiting AS MATERIALIZED (
        SELECT outgoing_id, recipient, given.route
        FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)
        JOIN unnest(
            %(connection)b::text[], %(issue_id)s::bigint[], %(context)b::text[],
            %(moved_from)b::text[], %(may_have_arrived)s::boolean[], %(route)b::text[]
        ) AS given(connection, issue_id, context, moved_from, may_have_arrived, route)
            ON given.connection = delivery.connection AND given.context = mail.context
            AND given.moved_from = delivery.moved_from
            AND given.may_have_arrived = (unknown_attempts > 0)
            AND given.issue_id IS NOT DISTINCT FROM delivery.issue_id
        WHERE state IN ('queued', 'deferred')
        LIMIT %(limit)s FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE delivery SET connection = waiting.route, moved_from = '', tried_since = NULL,
        due_at = least(due_at, %(now)s)
    FROM waiting WHERE delivery.outgoing_id = waiting.outgoing_id
        AND delivery.recipient = waiting.recipient
"""


async def reroute(connection: Connection, routes: Routes, now: datetime, limit: int = BATCH) -> int:
    """Moves waiting deliveries whose connection is another one now, at most `limit` of them.

    Returns their number. Those that are moved are due at once: what they waited for was a fault of
    the connection before. A message about no issue keeps a connection that is enabled.
    """
    found = await rows_as(connection, Waiting, _WAITING, [sorted(routes.usable)])
    known = await issues.by_id(connection, {one.issue_id for one in found if one.issue_id})
    moves = []
    for one in found:
        issue = known.get(one.issue_id) if one.issue_id else None
        route = routes.of(one.context, issue.project) if issue else None
        is_usable = one.connection in routes.usable
        # The issue of a restored database may be missing: its messages are as those about none.
        if route is None and not is_usable:
            route = routes.default
        if route in (None, one.connection) or (is_usable and one.stays_with(route)):
            continue
        moves.append((one, route))
    return await _move(connection, moves, now, limit)


async def _move(
    connection: Connection, moves: Sequence[tuple[Waiting, str]], now: datetime, limit: int
) -> int:
    if not moves:
        return 0
    cursor = await connection.execute(
        _MOVE,
        {
            "connection": [one.connection for one, _ in moves],
            "issue_id": [one.issue_id for one, _ in moves],
            "context": [one.context for one, _ in moves],
            "moved_from": [one.moved_from for one, _ in moves],
            "may_have_arrived": [one.may_have_arrived for one, _ in moves],
            "route": [route for _, route in moves],
            "now": now,
            "limit": limit,
        },
    )
    return cursor.rowcount
