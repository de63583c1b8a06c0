"""The messages that wait because their mail account is not configured, and their release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from postrail.database import Connection, one, rows


async def waiting_since(connection: Connection, mail_ids: Sequence[str]) -> dict[str, datetime]:
    """Returns since when these messages wait for their account, without those that do not yet."""
    found = await rows(
        connection,
        "SELECT mail_id::text, awaits_account_since FROM incoming_mail"
        " WHERE mail_id = ANY(%s::uuid[]) AND awaits_account_since IS NOT NULL",
        [list(mail_ids)],
    )
    return dict(found)


async def wait_for_account(
    connection: Connection,
    until: Mapping[str, datetime],
    reasons: Mapping[str, str],
    now: datetime,
) -> None:
    """Sets messages to waiting, with a reason, until the time of each; both are by mail_id.

    A message that another process has finished in the meantime stays as it is.
    """
    await connection.execute(
        "UPDATE incoming_mail AS mail SET state = 'waiting', due_at = waits.until,"
        "  reason = waits.reason, awaits_account_since = coalesce(awaits_account_since, %s)"
        " FROM unnest(%s::uuid[], %s::timestamptz[], %b::text[]) AS waits(mail_id, until, reason)"
        " WHERE mail.mail_id = waits.mail_id AND mail.state IN ('new', 'working', 'waiting')",
        [now, list(until), list(until.values()), [reasons[mail_id] for mail_id in until]],
    )


async def awaited_accounts(connection: Connection) -> list[str]:
    """Returns the names of the mail accounts that messages wait for."""
    found = await rows(
        connection,
        "SELECT DISTINCT mailbox FROM incoming_mail"
        " WHERE state = 'waiting' AND awaits_account_since IS NOT NULL ORDER BY mailbox",
    )
    return [row[0] for row in found]


async def release(connection: Connection, mailbox: str, now: datetime) -> int:
    """Makes the messages that wait for this account due; returns their number.

    Those that another process works on at the moment are left to the next call.
    """
    found = await one(
        connection,
        "WITH waiting AS MATERIALIZED ("
        "  SELECT mail_id FROM incoming_mail WHERE mailbox = %s AND state = 'waiting'"
        "  AND awaits_account_since IS NOT NULL FOR UPDATE SKIP LOCKED"
        " ), released AS ("
        "  UPDATE incoming_mail AS mail SET due_at = %s, awaits_account_since = NULL"
        "  FROM waiting WHERE mail.mail_id = waiting.mail_id RETURNING 1"
        " ) SELECT count(*) FROM released",
        [mailbox, now],
    )
    return int(found[0]) if found else 0
