"""Asks which of some issues a query matches."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.vocabulary import vocabulary_for
from postrail.query import sql
from postrail.query.conditions import ResolvedQuery
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.resolve import resolve
from postrail.query.tree import Query
from postrail.tracker.builtin.issues import matching_among


async def issues_by_query(
    connection: Connection,
    queries: Collection[str],
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[str, set[str]]:
    """Returns the keys of those of the issues that each query matches, by the query's text."""
    return {
        query: await matching(connection, query, issue_keys, snapshot, now)
        for query in sorted(queries)
    }


async def matching(
    connection: Connection,
    text: str,
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> set[str]:
    """Returns the keys of those of the issues that the query matches; days begin in UTC.

    A query that was right when it was saved may name a status or group that is gone since: it
    matches no issue.
    """
    if not issue_keys:
        return set()
    try:
        return await matching_query(connection, parse(text), issue_keys, snapshot, now)
    except QueryError:
        return set()


async def matching_query(
    connection: Connection,
    query: Query,
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> set[str]:
    """Returns what `matching` does; raises QueryError for a name that does not exist."""
    resolved = await resolved_query(connection, query, snapshot, now)
    return await matching_among(connection, issue_keys, sql.where(resolved))


async def resolved_query(
    connection: Connection, query: Query, snapshot: ConfigurationSnapshot, now: datetime
) -> ResolvedQuery:
    """Returns the query with its present meaning; raises QueryError as `matching_query` does."""
    vocabulary = await vocabulary_for(
        connection,
        query,
        snapshot.projects.values(),
        snapshot.priorities,
        current_user=None,
        now=now,
        zone=UTC,
    )
    return resolve(query, vocabulary)
