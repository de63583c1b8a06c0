"""Reads the history of an issue: each change of a field, by whom, when and by which message.

Emails about the issue that were not delivered stand among the changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows_as
from postrail.tracker import issue_not_found, issues
from postrail.views.where import OF_ISSUE


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryRow:
    """A changed field of an issue; the values are those of JSON, None for a missing value."""

    changed_at: datetime
    # One for all changes of an act.
    act_id: str
    # See `postrail.workflow.rights`.
    act: str
    # "" for the operator of the installation.
    actor_address: str
    actor_name: str
    # mail, command or page; sender for an email that was not delivered.
    channel: str
    # The message that had the effect.
    mail_id: str | None
    # A custom field is "field:" and its name.
    field: str
    before: Any
    after: Any


# The priorities are shown by their names, as people know them.
_CHANGES: LiteralString = """
SELECT changed_at, act_id::text, act, actor_address, actor_name, channel, mail_id::text, field,
    coalesce(to_jsonb(was.name), before) AS before, coalesce(to_jsonb(is_now.name), after) AS after
FROM issue_change
LEFT JOIN priority AS was ON field = 'priority' AND to_jsonb(was.level) = before
LEFT JOIN priority AS is_now ON field = 'priority' AND to_jsonb(is_now.level) = after
WHERE issue_key = %s ORDER BY change_id"""

# What a person must know of: the recipient waits for an answer that has not come.
_UNDELIVERED: LiteralString = """
SELECT delivery.changed_at, outgoing_id::text AS act_id, 'send' AS act, '' AS actor_address,
    '' AS actor_name, 'sender' AS channel, NULL AS mail_id, 'email' AS field, NULL AS before,
    to_jsonb(CASE state
        WHEN 'failed' THEN 'not delivered' WHEN 'held' THEN 'held, not sent'
        ELSE 'perhaps not delivered'
    END || ' to ' || recipient || ': ' || reply) AS after
FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)
WHERE state IN ('failed', 'held', 'unconfirmed') AND mail."""


async def history(connection: Connection, issue_key: str) -> list[HistoryRow]:
    """Returns the changes of the issue with this key, present or former, oldest first.

    Raises IssueNotFound.
    """
    return await changes_of(connection, await present_key(connection, issue_key))


async def changes_of(connection: Connection, issue_key: str) -> list[HistoryRow]:
    """Returns the changes of the issue that has this key now, oldest first."""
    changes = await rows_as(connection, HistoryRow, _CHANGES, [issue_key])
    undelivered = await rows_as(connection, HistoryRow, _UNDELIVERED + OF_ISSUE, [issue_key])
    return sorted([*changes, *undelivered], key=lambda row: row.changed_at)


async def present_key(connection: Connection, issue_key: str) -> str:
    """Returns the key that the issue has now; raises IssueNotFound."""
    found = (await issues.by_key(connection, [issue_key])).get(issue_key)
    if found is None:
        raise issue_not_found(issue_key)
    return found.issue_key
