"""Finds the issue that a key means: one that has it, or had it before a move or merge."""

from __future__ import annotations

from postrail.database import Connection
from postrail.tracker import IssueNotFound, issues


async def present_key(connection: Connection, issue_key: str) -> str:
    """Returns the key that the issue has now; raises IssueNotFound."""
    found = (await issues.by_key(connection, [issue_key])).get(issue_key)
    if found is None:
        raise IssueNotFound(
            f"there is no issue {issue_key}", remedy="List them with: postrail issues list"
        )
    return found.issue_key
