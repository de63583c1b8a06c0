"""Asks which of some issues a query matches."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.vocabulary import vocabulary_for
from postrail.query import sql
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.resolve import resolve
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
        query = parse(text)
        vocabulary = await vocabulary_for(
            connection,
            query,
            snapshot.projects.values(),
            snapshot.priorities,
            current_user=None,
            now=now,
            zone=UTC,
        )
        where = sql.where(resolve(query, vocabulary))
    except QueryError:
        return set()
    return await matching_among(connection, issue_keys, where)
