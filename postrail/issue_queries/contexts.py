"""Finds the context of outgoing messages that each issue has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.matching import matching


async def contexts_of(
    connection: Connection,
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[str, MessageContext]:
    """Returns the first context whose scope has the issue, by the issue's key.

    Issues that none has are left out. Nothing is read without an enabled context.
    """
    found: dict[str, MessageContext] = {}
    waiting = set(issue_keys)
    for context in snapshot.enabled_contexts:
        if not waiting:
            break
        taken = set(waiting)
        if context.scope:
            taken = await matching(connection, context.scope, waiting, snapshot, now)
        found |= dict.fromkeys(taken, context)
        waiting -= taken
    return found
