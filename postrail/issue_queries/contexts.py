"""Finds the context of outgoing messages that each issue has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.matching import issues_by_query


async def contexts_of(
    connection: Connection,
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[str, MessageContext]:
    """Returns the first context whose scope has the issue, by the issue's key.

    Issues that none has are left out. Nothing is read without an enabled context.
    """
    contexts = snapshot.enabled_contexts
    scopes = {one.scope for one in contexts if one.scope}
    matched = await issues_by_query(connection, scopes, issue_keys, snapshot, now)
    found = {}
    for key in issue_keys:
        having = (one for one in contexts if not one.scope or key in matched[one.scope])
        if first := next(having, None):
            found[key] = first
    return found
