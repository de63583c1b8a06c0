"""Reads outgoing messages for the queue and log: deliveries, suppressed addresses, the backlog."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows, rows_as
from postrail.errors import PermanentError
from postrail.views.where import OF_ISSUE, where


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingRow:
    """One delivery, as the outgoing queue and log show it."""

    outgoing_id: str
    conversation: str
    recipient: str
    # The recipient's, or "".
    name: str
    state: str
    subject: str
    issue_key: str | None
    connection: str
    # The fallback that made the last attempt, or "".
    sent_over: str
    cause: str
    # This recipient's own.
    message_id: str
    # The one that the mail system gave the message instead, or "".
    given_id: str
    queued_at: datetime
    due_at: datetime
    changed_at: datetime
    attempts: int
    reply: str
    maybe_twice: bool
    # The number of attempts whose outcome is unknown.
    unknown_attempts: int
    # What a message about no issue is, or "": forward, reply, notice or account.
    purpose: str
    # The id of the incoming message that is attached.
    forwards: str | None
    # The author of its release, if it was held; else "".
    released_by: str
    # What bounces, receipts and complaints say about it, oldest first: the columns of
    # `delivery_report` besides its key.
    reports: Sequence[Mapping[str, Any]] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Returns what identifies the delivery: its outgoing message and its recipient."""
        return self.outgoing_id, self.recipient


_ROW: LiteralString = """
SELECT outgoing_id::text, conversation, recipient, name, state, subject, mail.issue_key,
    delivery.connection, sent_over, cause, delivery.message_id, coalesce(given_id, '') AS given_id,
    queued_at, due_at, changed_at,
    attempts, reply, maybe_twice, unknown_attempts, purpose, forwards::text AS forwards,
    released_by, coalesce((
        SELECT jsonb_agg(to_jsonb(report) - 'outgoing_id' - 'recipient' ORDER BY reported_at, event)
        FROM delivery_report AS report
        WHERE report.outgoing_id = delivery.outgoing_id AND report.recipient = delivery.recipient
    ), '[]') AS reports
FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"""
# Came back, or was complained about. By the reports: few deliveries have one.
_BOUNCED: LiteralString = """(outgoing_id, recipient) IN (
    SELECT outgoing_id, recipient FROM delivery_report WHERE event = ANY(%s)
)"""
BOUNCES = ["hard", "soft", "doubted", "elsewhere", "complaint"]


async def deliveries(
    connection: Connection,
    *,
    limit: int = 50,
    state: str | None = None,
    issue_key: str | None = None,
    recipient: str | None = None,
    over: str | None = None,
    reason: str | None = None,
    bounced: bool = False,
) -> list[OutgoingRow]:
    """Returns the latest deliveries, newest first; in this state, or bounced.

    The other filters are those of `deliveries_in`.
    """
    clause, values = where(
        ("state = %s", state),
        *_filters(issue_key, recipient, over, reason),
        (_BOUNCED, BOUNCES if bounced else None),
    )
    statement = _ROW + clause + " ORDER BY mail.sequence DESC, recipient LIMIT %s"
    return await rows_as(connection, OutgoingRow, statement, [*values, limit])


# An event that a person is told of later, as the message about it alone.
_WAITING: LiteralString = """
SELECT outgoing_id::text, conversation, recipient, name, 'waiting' AS state, subject, issue_key,
    connection, '' AS sent_over, cause, message_id, '' AS given_id, happened_at AS queued_at,
    due_at, happened_at AS changed_at, 0 AS attempts,
    CASE WHEN digest THEN 'goes into the daily message to this person'
        ELSE 'goes into the next message about the issue' END AS reply,
    false AS maybe_twice, 0 AS unknown_attempts, '' AS purpose, NULL AS forwards,
    '' AS released_by, '[]'::jsonb AS reports
FROM pending_event AS event JOIN pending_delivery USING (event_id)"""


async def waiting(
    connection: Connection,
    *,
    limit: int | None = 50,
    issue_key: str | None = None,
    recipient: str | None = None,
    over: str | None = None,
) -> list[OutgoingRow]:
    """Returns what waits for a bundle or a digest, newest first.

    Only what is about this issue, to this recipient, or for this connection.
    """
    clause, values = where(
        ("event." + OF_ISSUE, issue_key),
        ("lower(recipient) = lower(%s)", recipient),
        ("connection = %s", over),
    )
    statement = _WAITING + clause + " ORDER BY event_id DESC, recipient LIMIT %s"
    return await rows_as(connection, OutgoingRow, statement, [*values, limit])


async def deliveries_in(
    connection: Connection,
    states: Collection[str],
    *,
    issue_key: str | None = None,
    recipient: str | None = None,
    over: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
) -> list[OutgoingRow]:
    """Returns the deliveries in these states, oldest first.

    Only those of this issue, to this recipient, over this connection, with these words in the
    server's reply or in why they are held, or of messages since this time.
    """
    clause, values = where(
        ("state = ANY (%s)", sorted(states)),
        ("mail.queued_at >= %s", since),
        *_filters(issue_key, recipient, over, reason),
    )
    statement = _ROW + clause + " ORDER BY mail.sequence, recipient"
    return await rows_as(connection, OutgoingRow, statement, values)


def _filters(
    issue_key: str | None, recipient: str | None, over: str | None, reason: str | None
) -> Sequence[tuple[LiteralString, object]]:
    return (
        ("mail." + OF_ISSUE, issue_key),
        ("lower(recipient) = lower(%s)", recipient),
        ("delivery.connection = %s", over),
        ("strpos(lower(reply), lower(%s)) > 0", reason),
    )


async def deliveries_of(connection: Connection, outgoing_id: str) -> list[OutgoingRow]:
    """Returns the deliveries of one message; the first characters of its id suffice.

    Raises PermanentError when no id or several begin like that.
    """
    start = outgoing_id.replace("\\", "").replace("%", "").replace("_", "") + "%"
    ids = await rows(
        connection,
        "SELECT outgoing_id FROM outgoing_mail WHERE outgoing_id::text LIKE %(start)s"
        " UNION SELECT outgoing_id FROM pending_event WHERE outgoing_id::text LIKE %(start)s"
        " LIMIT 2",
        {"start": start},
    )
    if len(ids) != 1:
        count = "several outgoing messages have" if ids else "no outgoing message has"
        raise PermanentError(
            f"{count} an id that begins with {outgoing_id!r}",
            remedy="See: postrail outgoing list --json",
        )
    of_id: LiteralString = " WHERE outgoing_id = %s ORDER BY recipient"
    found = await rows_as(connection, OutgoingRow, _ROW + of_id, [ids[0][0]])
    return found + await rows_as(connection, OutgoingRow, _WAITING + of_id, [ids[0][0]])


def of_recipient(found: Sequence[OutgoingRow], recipient: str | None) -> list[OutgoingRow]:
    """Returns the deliveries to this address, in any case of its letters; to all for None."""
    wanted = recipient and recipient.lower()
    return [row for row in found if wanted is None or row.recipient.lower() == wanted]


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressedRow:
    """An address that is not written to, and how many deliveries to it are held."""

    address: str
    reason: str
    since: datetime
    # The message that reported it; None: the mail server refused the address in our own attempt.
    mail_id: str | None
    held: int


async def suppressed(connection: Connection, *, limit: int) -> list[SuppressedRow]:
    """Returns the suppressed addresses, the latest first."""
    return await rows_as(
        connection,
        SuppressedRow,
        "SELECT address, reason, since, mail_id::text,"
        " (SELECT count(*) FROM delivery WHERE state = 'held'"
        "  AND lower(recipient) = suppression.address) AS held"
        " FROM suppression WHERE released_at IS NULL ORDER BY since DESC, address LIMIT %s",
        [limit],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingBacklog:
    """The numbers of deliveries that are not sent yet, and of those that failed."""

    queued: int
    sending: int
    deferred: int
    # Waiting until they are released.
    held: int
    failed: int
    # Of unknown outcome, and waiting for a person.
    unconfirmed: int
    # The number of addresses that are not written to.
    suppressed: int
    # The time when the oldest unfinished message was queued.
    oldest_queued_at: datetime | None


_BACKLOG = """
SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
    count(*) FILTER (WHERE state = 'sending') AS sending,
    count(*) FILTER (WHERE state = 'deferred') AS deferred,
    (SELECT count(*) FROM delivery WHERE state = 'held') AS held,
    (SELECT count(*) FROM delivery WHERE state = 'failed') AS failed,
    (SELECT count(*) FROM delivery WHERE state = 'unconfirmed') AS unconfirmed,
    (SELECT count(*) FROM suppression WHERE released_at IS NULL) AS suppressed,
    min(queued_at) AS oldest_queued_at
FROM (
    SELECT outgoing_id, state FROM delivery WHERE state IN ('queued', 'deferred')
    UNION ALL
    SELECT outgoing_id, state FROM delivery WHERE state = 'sending'
) AS unfinished JOIN outgoing_mail USING (outgoing_id)
"""


async def backlog(connection: Connection) -> OutgoingBacklog:
    """Counts the unfinished and the failed deliveries."""
    (found,) = await rows_as(connection, OutgoingBacklog, _BACKLOG)
    return found
