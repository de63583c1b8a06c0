"""Messages that the fetcher is to publish to mail.fetched again, one row each.

The fetcher that has the message's mailbox serves the rows, as the only writer of mail.fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection, storable


async def request(
    connection: Connection,
    mail_ids: Sequence[str],
    *,
    requested_by: str,
    reason: str,
    now: datetime,
) -> int:
    """Asks for messages again, at once; a message that is asked for already becomes due.

    Only messages in state fetched, failed or quarantined can be asked for: the others are on their
    way, or done. Returns how many became due by this call; those that were due already do not
    count, so that it may be repeated at any time.

    Once such a message is published again, its `incoming_mail.refetched_at` says when: a proof that
    goes by the age of `fetched_at` must go by the later of the two.
    """
    cursor = await connection.execute(
        "INSERT INTO refetch AS old (mail_id, mailbox, revision, requested_at, requested_by,"
        "  reason, due_at)"
        " SELECT mail_id, mailbox, revision, %(now)s, %(by)s, %(reason)s, %(now)s"
        " FROM incoming_mail WHERE mail_id = ANY(%(mail_ids)s::uuid[])"
        "  AND state IN ('fetched', 'failed', 'quarantined') ORDER BY mail_id"
        " ON CONFLICT (mail_id) DO UPDATE SET revision = excluded.revision,"
        "  requested_at = excluded.requested_at, requested_by = excluded.requested_by,"
        "  reason = excluded.reason, due_at = excluded.due_at, only_in_mailbox = false,"
        "  held = false"
        " WHERE old.due_at > excluded.due_at OR old.held OR old.revision <> excluded.revision",
        {
            "mail_ids": list(mail_ids),
            "now": now,
            "by": storable(requested_by),
            "reason": storable(reason),
        },
    )
    return cursor.rowcount
