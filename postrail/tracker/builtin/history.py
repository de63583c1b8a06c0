"""The history of issues: a row for each changed field, with who did it, when, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from postrail.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """What is behind a change: the act, its author, and the message if one had this effect."""

    # A random id; one for all changes and notifications of the act.
    act_id: str
    # See `postrail.workflow.rights`.
    act: str
    # "" for the operator of the installation.
    actor_address: str
    actor_name: str
    # mail, command or page.
    channel: str
    mail_id: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field; the values are those of JSON, and None for a missing value."""

    field: str
    before: Any
    after: Any


async def insert_changes(
    connection: Connection, issue_key: str, behind: Behind, changes: Sequence[Change]
) -> None:
    """Adds the changes to the history of the issue, in their order."""
    for change in changes:
        await connection.execute(
            "INSERT INTO issue_change (issue_key, act_id, changed_at, actor_address, actor_name,"
            "  channel, mail_id, act, field, before, after)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                issue_key,
                behind.act_id,
                behind.changed_at,
                behind.actor_address,
                behind.actor_name,
                behind.channel,
                behind.mail_id,
                behind.act,
                change.field,
                None if change.before is None else Jsonb(change.before),
                None if change.after is None else Jsonb(change.after),
            ],
        )
