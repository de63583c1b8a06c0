"""Lists the issues of the built-in tracker that a query finds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from postrail.configuration import load
from postrail.configuration.handlers.project_words import project_words
from postrail.database import Connection, rows, rows_as
from postrail.issue_queries.vocabulary import vocabulary_for
from postrail.query import sql
from postrail.query.conditions import Contains, HasWords
from postrail.query.resolve import resolve
from postrail.query.tree import Query
from postrail.views.issue_detail import IssueFields


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedIssue(IssueFields):
    """An issue as lists show it."""

    comments: int


# The share of rows above which reading the issues in their order finds a page of them faster than
# an index finds all that have the word.
COMMON = 0.004
# Merged issues are records only: the issue that they were merged into has their comments.
_LIST = """
SELECT issue_key AS key, project_key AS project, summary, issue_type AS type, status, resolution,
    priority, coalesce((SELECT name FROM priority WHERE level = issue.priority), '')
        AS priority_name,
    assignee, reporter_address AS reporter, reporter_name, labels, components, due_on AS due,
    created_at AS created, changed_at AS updated, resolved_at AS resolved,
    (SELECT count(*) FROM comment WHERE comment.issue_key = issue.issue_key) AS comments
FROM issue WHERE merged_into IS NULL AND """


async def found_issues(
    connection: Connection,
    query: Query,
    *,
    now: datetime,
    limit: int = 50,
    current_user: str | None = None,
    zone: tzinfo = UTC,
) -> list[ListedIssue]:
    """Returns the issues that the query finds, in its order; by default the last change first.

    `current_user` is the address of the person who asks, in whose `zone` days begin. Raises
    QueryError for names and values that do not exist.
    """
    vocabulary = await vocabulary_for(
        connection,
        [query],
        map(project_words, await load.projects(connection)),
        {one.level: one.name for one in await load.priorities(connection)},
        current_user=current_user,
        now=now,
        zone=zone,
    )
    resolved = resolve(query, vocabulary)
    hints = await _hints(connection, sql.searches(resolved.condition))
    where, order = sql.where(resolved, hints), sql.order_by(resolved)
    # To compile a statement, or to start workers for it, takes longer than to run it; and a plan
    # that is kept for all values reads every issue for some.
    await connection.execute(
        "SELECT set_config('jit', 'off', true),"
        " set_config('max_parallel_workers_per_gather', '0', true),"
        " set_config('plan_cache_mode', 'force_custom_plan', true)"
    )
    statement = f"{_LIST}{where.sql} ORDER BY {order.sql} LIMIT %s"
    parameters = [*where.parameters, *order.parameters, limit]
    return await rows_as(connection, ListedIssue, statement, parameters)


async def _hints(
    connection: Connection, searches: Sequence[Contains | HasWords]
) -> sql.Hints | None:
    """Returns what the rows are like that the conditions search; None without such conditions."""
    if not searches:
        return None
    people = await rows(connection, "SELECT address FROM person_address")
    found = await rows(
        connection,
        "SELECT word FROM pg_stats, unnest(most_common_elems::text::text[],"
        "  most_common_elem_freqs) AS found (word, frequency)"
        " WHERE schemaname = current_schema() AND tablename = 'issue_text' AND attname = 'words'"
        " AND frequency > %s",
        [COMMON],
    )
    common = {row[0] for row in found}
    rare = [
        one.words
        for one in searches
        if isinstance(one, HasWords) and await _is_rare(connection, one, common)
    ]
    return sql.Hints([row[0] for row in people], common, rare)


async def _is_rare(connection: Connection, search: HasWords, common: set[str]) -> bool:
    """Tells whether few rows have all the words: one of them is common in no form.

    A search with alternatives, or for texts without a word, is not rare.
    """
    asked = sql.plain_words(search.words)
    if re.search(r"(^|\s)(-|or(\s|$))", asked, re.IGNORECASE):
        return False
    forms = await rows(
        connection,
        "SELECT word, array_agg(form) FROM unnest(string_to_array(%s, ' ')) AS word,"
        " unnest('{simple}'::text[] || %s::text[]) AS language,"
        " unnest(tsvector_to_array(to_tsvector(search_configuration(language), word))) AS form"
        " GROUP BY word",
        [asked.replace('"', " "), list(search.languages)],
    )
    return any(not common.intersection(found) for _, found in forms)
