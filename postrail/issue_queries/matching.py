"""Asks which of some issues queries match."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.issue_queries.vocabulary import vocabulary_for
from postrail.query import sql
from postrail.query.conditions import ResolvedQuery
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.resolve import resolve
from postrail.query.tree import Query
from postrail.query.vocabulary import Vocabulary
from postrail.tracker.builtin.issues import matching_among

T = TypeVar("T")

# No index finds less than the issues that are asked about.
_HINTS = sql.Hints(few_rows=True)
# The queries of the configuration are asked again for each batch of messages.
_parsed = lru_cache(maxsize=512)(parse)


async def issues_by_query(
    connection: Connection,
    queries: Collection[str],
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[str, set[str]]:
    """Returns the keys of those of the issues that each query matches, by the query's text.

    All are asked at once; days begin in UTC. A query that was right when it was saved may name a
    status or group that is gone since: it matches no issue.
    """
    matched: dict[str, set[str]] = {query: set() for query in queries}
    asked = _each(_parsed, queries) if issue_keys else {}
    if not asked:
        return matched
    vocabulary = await _vocabulary(connection, asked.values(), snapshot, now)
    resolved = _each(lambda text: resolve(asked[text], vocabulary), asked)
    conditions = [sql.where(one, _HINTS) for one in resolved.values()]
    found = await matching_among(connection, issue_keys, conditions)
    return matched | dict(zip(resolved, found, strict=True))


def _each(read: Callable[[str], T], queries: Iterable[str]) -> dict[str, T]:
    """Returns what is read from each query, in the order of their texts; without faulty ones."""
    found = {}
    for text in sorted(queries):
        with suppress(QueryError):
            found[text] = read(text)
    return found


async def matching_query(
    connection: Connection,
    query: Query,
    issue_keys: Collection[str],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> set[str]:
    """Returns the keys of those of the issues that the query matches; days begin in UTC.

    Raises QueryError for a name that does not exist.
    """
    resolved = await resolved_query(connection, query, snapshot, now)
    (found,) = await matching_among(connection, issue_keys, [sql.where(resolved, _HINTS)])
    return found


async def resolved_query(
    connection: Connection, query: Query, snapshot: ConfigurationSnapshot, now: datetime
) -> ResolvedQuery:
    """Returns the query with its present meaning; raises QueryError as `matching_query` does."""
    return resolve(query, await _vocabulary(connection, [query], snapshot, now))


async def _vocabulary(
    connection: Connection,
    queries: Collection[Query],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> Vocabulary:
    return await vocabulary_for(
        connection,
        queries,
        snapshot.project_words,
        snapshot.priorities,
        current_user=None,
        now=now,
        zone=UTC,
    )
