"""Says which context an issue has, and why each earlier one is passed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.matching import matching_query
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.tree import Both, Node, Query
from postrail.query.write import written
from postrail.views.issue_detail import issue_detail

DISABLED = "it is disabled"


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOver:
    """A context that an issue does not have, and why."""

    context: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextMatch:
    """The context of an issue, and how messages about it are sent."""

    issue_key: str
    # "": none, so the project decides.
    context: str
    passed_over: tuple[PassedOver, ...]
    # "": no connection is enabled.
    connection: str
    from_address: str
    from_name: str


async def context_match(connection: Connection, issue_key: str, now: datetime) -> ContextMatch:
    """Returns the context of the issue, and the earlier ones; raises IssueNotFound."""
    issue = (await issue_detail(connection, issue_key)).issue
    snapshot = await load_snapshot(connection)
    passed: list[PassedOver] = []
    found = None
    for context in snapshot.contexts:
        reason = await _reason(connection, context, issue.key, snapshot, now)
        if not reason:
            found = context
            break
        passed.append(PassedOver(context=context.name, reason=reason))
    sending = snapshot.connection_for(issue.project, found)
    dressed = found.dress(sending) if found and sending else sending
    return ContextMatch(
        issue_key=issue.key,
        context=found.name if found else "",
        passed_over=tuple(passed),
        connection=sending.name if sending else "",
        from_address=dressed.from_address if dressed else "",
        from_name=dressed.from_name if dressed else "",
    )


async def _reason(
    connection: Connection,
    context: MessageContext,
    issue_key: str,
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> str:
    """Returns why the issue does not have the context, or ""."""
    if not context.enabled:
        return DISABLED
    if not context.scope:
        return ""
    try:
        query = parse(context.scope)

        async def holds(node: Node) -> bool:
            part = Query(context.scope, node)
            return bool(await matching_query(connection, part, [issue_key], snapshot, now))

        node = query.condition
        if node is None or await holds(node):
            return ""
        # The first part that does not hold, and the first one in that.
        while isinstance(node, Both):
            failing = [one for one in node.parts if not await holds(one)]
            node = failing[0]
        return f"this does not hold: {written(node)}"
    except QueryError as error:
        return f"its scope is not valid any more: {error}"
