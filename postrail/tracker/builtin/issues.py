"""Rows of issues of the built-in tracker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from postrail.database import Connection, one, rows
from postrail.query.sql import Statement
from postrail.tracker import IssueDraft, issue_not_found
from postrail.tracker.builtin.usage import parts_exist
from postrail.tracker.issues import Watcher


async def insert_issues(
    connection: Connection, drafts: Sequence[IssueDraft], numbers: Sequence[int], now: datetime
) -> list[str]:
    """Inserts the issues with these numbers and returns their keys; raises SettingsChanged."""
    keys = [f"{draft.project}-{number}" for draft, number in zip(drafts, numbers, strict=True)]
    with parts_exist():
        await _insert(connection, drafts, keys, numbers, now)
    return keys


async def _insert(
    connection: Connection,
    drafts: Sequence[IssueDraft],
    keys: Sequence[str],
    numbers: Sequence[int],
    now: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO issue (issue_key, project_key, number, issue_type, status, summary,"
        "  description, description_blob, reporter_address, reporter_name, conversation, mail_id,"
        "  revision, assignee, priority, labels, components, due_on, created_at, changed_at)"
        " SELECT issue_key, project_key, number, issue_type, status, summary,"
        "  description, description_blob, reporter_address, reporter_name, conversation, mail_id,"
        # PostgreSQL has no arrays of lists that differ in length: these come as JSON.
        "  revision, assignee, priority, ARRAY(SELECT jsonb_array_elements_text(labels)),"
        "  ARRAY(SELECT jsonb_array_elements_text(components)), due_on, %s, %s"
        " FROM unnest(%b::text[], %b::text[], %s::bigint[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %b::text[], %b::text[], %s::uuid[], %s::uuid[],"
        "  %s::int[], %b::text[], %s::smallint[], %s::jsonb[], %s::jsonb[], %s::date[])"
        "  AS made (issue_key, project_key, number, issue_type, status, summary,"
        "  description, description_blob, reporter_address, reporter_name, conversation, mail_id,"
        "  revision, assignee, priority, labels, components, due_on)",
        [
            now,
            now,
            list(keys),
            [draft.project for draft in drafts],
            list(numbers),
            [draft.issue_type for draft in drafts],
            [draft.status for draft in drafts],
            [draft.summary for draft in drafts],
            [draft.description for draft in drafts],
            [draft.description_blob for draft in drafts],
            [draft.reporter_address for draft in drafts],
            [draft.reporter_name for draft in drafts],
            [draft.conversation for draft in drafts],
            [draft.mail_id for draft in drafts],
            [draft.revision for draft in drafts],
            [draft.assignee for draft in drafts],
            [draft.priority for draft in drafts],
            [Jsonb(draft.labels) for draft in drafts],
            [Jsonb(draft.components) for draft in drafts],
            [draft.due for draft in drafts],
        ],
    )


async def touch_issues(connection: Connection, issue_keys: Sequence[str], now: datetime) -> None:
    """Sets the issues' time of change, and locks them in the order of their keys.

    The time never goes back: two acts may begin in another order than the issue is locked in.
    Raises IssueNotFound for an unknown key.
    """
    keys = sorted(set(issue_keys))
    found = await rows(
        connection,
        "UPDATE issue SET changed_at = greatest(changed_at, %s)"
        " WHERE issue_key IN (SELECT issue_key FROM issue"
        "  WHERE issue_key = ANY(%s) ORDER BY issue_key FOR NO KEY UPDATE) RETURNING issue_key",
        [now, keys],
    )
    missing = set(keys) - {row[0] for row in found}
    if missing:
        raise issue_not_found(", ".join(sorted(missing)))


async def done_among(connection: Connection, issue_keys: Collection[str]) -> list[str]:
    """Returns those of the issues that are in a status of the category done."""
    if not issue_keys:
        return []
    found = await rows(
        connection,
        "SELECT issue_key FROM issue WHERE issue_key = ANY(%s) AND resolved_at IS NOT NULL",
        [list(issue_keys)],
    )
    return [key for (key,) in found]


async def reporter_and_assignee(
    connection: Connection, issue_key: str
) -> tuple[Watcher, str | None]:
    """Returns the reporter, with a blank address if there is none, and the assignee's address."""
    found = await one(
        connection,
        "SELECT lower(reporter_address), reporter_name, assignee FROM issue WHERE issue_key = %s",
        [issue_key],
    )
    address, name, assignee = found or ("", "", None)
    return Watcher(address=address, name=name), assignee


async def matching_among(
    connection: Connection, issue_keys: Collection[str], conditions: Sequence[Statement]
) -> list[set[str]]:
    """Returns those of the issues that meet each condition of a query; all in one statement."""
    if not conditions:
        return []
    asked = ", ".join(one.sql for one in conditions)
    found = await rows(
        connection,
        f"SELECT issue_key, array_positions(ARRAY[{asked}], true) FROM issue"  # noqa: S608
        " WHERE issue_key = ANY(%s)",
        [*(value for one in conditions for value in one.parameters), list(issue_keys)],
    )
    met: list[set[str]] = [set() for _ in conditions]
    for key, numbers in found:
        for number in numbers:
            met[number - 1].add(key)
    return met
