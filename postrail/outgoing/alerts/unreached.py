"""Finds messages about issues that reach nobody, because their addresses are suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows_as
from postrail.outgoing.suppressions import SUPPRESSED


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreached:
    """The suppressed addresses of an event of an issue of which nobody else is told, and why."""

    issue_id: int
    mailbox: str | None
    addresses: Sequence[str]
    reason: str


async def unreached(connection: Connection, outgoing_id: str) -> Unreached | None:
    """Returns whom the message does not reach, if nobody is told of its event; else None.

    Others may be told of the same event in another language, or later in a bundle.
    """
    found = await rows_as(
        connection,
        Unreached,
        "SELECT mail.issue_id, min(mail.mailbox) AS mailbox,"
        " array_agg(suppression.address ORDER BY suppression.address)"
        "  FILTER (WHERE suppression.address IS NOT NULL) AS addresses,"
        " min(suppression.reason) AS reason"
        " FROM outgoing_mail AS mail"
        " JOIN outgoing_mail AS other"
        "  ON other.issue_id = mail.issue_id"
        # A bundle has several causes.
        "  AND string_to_array(other.cause, ', ') && string_to_array(mail.cause, ', ')"
        " JOIN delivery ON delivery.outgoing_id = other.outgoing_id"
        " LEFT JOIN suppression ON suppression.address = lower(delivery.recipient)"
        "  AND suppression.released_at IS NULL"
        " WHERE mail.outgoing_id = %s"
        "  AND NOT EXISTS (SELECT FROM pending_event WHERE pending_event.issue_id = mail.issue_id"
        "   AND pending_event.cause = ANY(string_to_array(mail.cause, ', ')))"
        " GROUP BY mail.issue_id"
        " HAVING bool_or(suppression.address IS NOT NULL) AND bool_and(delivery.state = 'failed'"
        "  OR suppression.address IS NOT NULL AND ("
        "   delivery.state = 'held' AND starts_with(delivery.reply, %s)"
        "   OR EXISTS (SELECT FROM delivery_report AS report"
        "    WHERE report.outgoing_id = delivery.outgoing_id"
        "     AND report.recipient = delivery.recipient AND report.event IN ('hard', 'soft'))))",
        [outgoing_id, SUPPRESSED],
    )
    return found[0] if found else None
