"""Asks the queries of conditions about the issues of messages, once for a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.facts import IssueRef
from postrail.incoming.queue import DueMail
from postrail.issue_queries.matching import issues_by_query

# Queries, each with the ids of the issues that it matches.
Matched = tuple[tuple[str, tuple[int, ...]], ...]


async def matched_queries(
    connection: Connection,
    mails: Sequence[DueMail],
    candidates: Mapping[str, Sequence[IssueRef]],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> dict[str, Matched]:
    """Returns the queries that match issues of each message, by its id.

    Only those queries are asked that a condition of an enabled handler of its account has.
    """
    asked = {due.mail.mail_id: _queries(due.mail.mailbox, snapshot) for due in mails}
    asking = (candidates[mail_id] for mail_id, queries in asked.items() if queries)
    keys = {one.issue_key for found in asking for one in found}
    matched = await issues_by_query(
        connection, frozenset().union(*asked.values()), keys, snapshot, now
    )
    return {
        mail_id: tuple(_with_issues(queries, candidates[mail_id], matched))
        for mail_id, queries in asked.items()
    }


def _queries(account: str, snapshot: ConfigurationSnapshot) -> frozenset[str]:
    handlers = snapshot.enabled_handlers_of(account)
    return frozenset().union(*(one.issue_queries for one in handlers))


def _with_issues(
    queries: frozenset[str], candidates: Sequence[IssueRef], matched: Mapping[str, set[str]]
) -> Matched:
    found = (
        (query, tuple(one.issue_id for one in candidates if one.issue_key in matched[query]))
        for query in sorted(queries)
    )
    return tuple((query, ids) for query, ids in found if ids)
