"""Finds messages with the same content as others: the copies of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class HandledMail:
    """A message that made an issue or a comment."""

    fingerprint: str
    mail_id: str
    mailbox: str
    source: str
    issue_id: int
    # It made the issue; else a comment.
    made_issue: bool
    # Its sender was proven.
    verified: bool = False


async def earlier_mails(
    connection: Connection, fingerprints: Sequence[str], except_mail_ids: Sequence[str]
) -> list[HandledMail]:
    """Returns the messages with these fingerprints that made an issue or a comment, oldest first.

    The first of each listing of each mailbox, and the first with a proven sender, are enough: a
    machine may have sent thousands.
    """
    return await rows_as(
        connection,
        HandledMail,
        "SELECT fingerprint, mail_id, mailbox, source, issue_id, outcome = 'issue' AS made_issue,"
        " verified FROM ("
        " SELECT DISTINCT ON"
        "  (fingerprint, mailbox, regexp_replace(source, ';uid=[0-9]*$', ''), verified)"
        "  fingerprint, mail_id::text, mailbox, source, issue_id, outcome, handled_at, verified"
        "  FROM incoming_mail,"
        "  LATERAL (SELECT coalesce(trace ->> 'verdict' = 'pass', false)) AS judged (verified)"
        " WHERE fingerprint = ANY(%s) AND state = 'done' AND outcome IN ('issue', 'comment')"
        " AND issue_id IS NOT NULL"
        " AND mail_id <> ALL(%s) ORDER BY fingerprint, mailbox,"
        "  regexp_replace(source, ';uid=[0-9]*$', ''), verified, handled_at) AS first"
        " ORDER BY handled_at",
        [list(fingerprints), list(except_mail_ids)],
    )
