"""Keeps what bounces, receipts and complaints say about deliveries, beside their own states.

A report may come before the sender has recorded the server's reply, so it never changes a state.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as, storable
from postrail.outgoing.message_ids import WITH_SENT


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedDelivery:
    """A delivery that a message names by its Message-ID."""

    # The one that it was found by.
    message_id: str
    outgoing_id: str
    recipient: str
    # As it was when the message was sent: it may have been merged since then.
    issue_id: int | None
    queued_at: datetime
    # What earlier reports said.
    events: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a message, or the mail server, says about one delivery."""

    outgoing_id: str
    recipient: str
    event: str
    status: str
    status_class: str
    reason: str
    address: str
    # None: the mail server refused the recipient in our own attempt.
    mail_id: str | None
    reported_at: datetime


async def named(
    connection: Connection, message_ids: Collection[str], beginnings: Collection[str] = ()
) -> list[NamedDelivery]:
    """Returns the deliveries whose messages have these Message-IDs, or ones that begin so."""
    if not message_ids and not beginnings:
        return []
    return await rows_as(
        connection,
        NamedDelivery,
        # Two comparisons, because an index serves LIKE for a constant only; and the first in order,
        # because the planner cannot know that they select a single row.
        WITH_SENT + ", found AS MATERIALIZED ("  # noqa: S608
        " SELECT * FROM sent WHERE message_id = ANY(%b::text[])"
        " UNION SELECT one.* FROM unnest(%b::text[]) AS beginning CROSS JOIN LATERAL ("
        "  SELECT message_id, outgoing_id, recipient, issue_id, sequence FROM delivery"
        "   WHERE message_id ~>=~ beginning AND message_id ~<~ (beginning || '~')"
        "   ORDER BY message_id USING ~<~ LIMIT 1) AS one)"
        " SELECT message_id, outgoing_id::text, recipient, issue_id,"
        " (SELECT queued_at FROM outgoing_mail AS mail"
        "  WHERE mail.outgoing_id = found.outgoing_id) AS queued_at,"
        " ARRAY(SELECT event FROM delivery_report AS report"
        "  WHERE report.outgoing_id = found.outgoing_id AND report.recipient = found.recipient"
        "  ORDER BY event) AS events"
        " FROM found ORDER BY sequence, recipient",
        [[storable(one) for one in message_ids], list(beginnings)],
    )


async def soft_bounces(connection: Connection, address: str, since: datetime) -> set[str]:
    """Returns the ids of the messages that bounced softly from an address since then.

    What was before the address was released does not count.
    """
    found = await rows(
        connection,
        "SELECT DISTINCT outgoing_id::text FROM delivery_report"
        " WHERE event = 'soft' AND lower(recipient) = lower(%(address)s)"
        " AND reported_at > greatest(%(since)s, (SELECT released_at FROM suppression"
        "  WHERE suppression.address = lower(%(address)s)))",
        {"address": address, "since": since},
    )
    return {row[0] for row in found}


async def note(connection: Connection, reports: Sequence[Report]) -> None:
    """Stores reports; the first of each kind about a delivery stays."""
    if not reports:
        return
    await connection.execute(
        "INSERT INTO delivery_report (outgoing_id, recipient, event, status, status_class, reason,"
        "  address, mail_id, reported_at)"
        " SELECT * FROM unnest(%s::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %s::uuid[], %s::timestamptz[]) AS given ORDER BY 1, 2, 3"
        " ON CONFLICT DO NOTHING",
        [
            [one.outgoing_id for one in reports],
            [one.recipient for one in reports],
            [one.event for one in reports],
            [storable(one.status) for one in reports],
            [storable(one.status_class) for one in reports],
            [storable(one.reason) for one in reports],
            [storable(one.address) for one in reports],
            [one.mail_id for one in reports],
            [one.reported_at for one in reports],
        ],
    )
