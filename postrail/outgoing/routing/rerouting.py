"""Moves waiting deliveries to the outgoing connection that the configuration now says.

Messages name a connection when they are queued. When that one is disabled, renamed or removed, or
when their project or context gets another one, those that wait go over the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postrail.database import Connection, rows
from postrail.tracker import issues


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


async def reroute(connection: Connection, routes: Routes, now: datetime) -> int:
    """Moves the waiting deliveries whose connection is another one now; returns their number.

    Those that are moved are due at once: what they waited for was a fault of the connection before.
    A message about no issue keeps a connection that is enabled.
    """
    found = await rows(
        connection,
        "SELECT DISTINCT delivery.connection, delivery.issue_id, mail.context"
        " FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)"
        " WHERE state IN ('queued', 'deferred')"
        "  AND (delivery.issue_id IS NOT NULL OR delivery.connection <> ALL (%b::text[]))",
        [sorted(routes.usable)],
    )
    known = await issues.by_id(connection, {issue_id for _, issue_id, _ in found if issue_id})
    moves = []
    for before, issue_id, context in found:
        issue = known.get(issue_id)
        route = routes.of(context, issue.project) if issue else None
        # The issue of a restored database may be missing: its messages are as those about none.
        if route is None and before not in routes.usable:
            route = routes.default
        if route is not None and route != before:
            moves.append((before, issue_id, context, route))
    return await _move(connection, moves, now)


async def _move(
    connection: Connection, moves: list[tuple[str, int | None, str, str]], now: datetime
) -> int:
    if not moves:
        return 0
    cursor = await connection.execute(
        "WITH waiting AS MATERIALIZED ("
        " SELECT outgoing_id, recipient, given.route"
        " FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)"
        " JOIN unnest(%(before)b::text[], %(issue)s::bigint[], %(context)b::text[],"
        "  %(route)b::text[]) AS given(before, issue_id, context, route)"
        "  ON given.before = delivery.connection AND given.context = mail.context"
        "  AND given.issue_id IS NOT DISTINCT FROM delivery.issue_id"
        " WHERE state IN ('queued', 'deferred') FOR UPDATE OF delivery SKIP LOCKED)"
        " UPDATE delivery SET connection = waiting.route, due_at = least(due_at, %(now)s)"
        " FROM waiting WHERE delivery.outgoing_id = waiting.outgoing_id"
        "  AND delivery.recipient = waiting.recipient",
        {
            "before": [before for before, _, _, _ in moves],
            "issue": [issue_id for _, issue_id, _, _ in moves],
            "context": [context for _, _, context, _ in moves],
            "route": [route for _, _, _, route in moves],
            "now": now,
        },
    )
    return cursor.rowcount
