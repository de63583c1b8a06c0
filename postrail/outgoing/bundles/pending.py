"""Stores events that wait for a bundle, finds those that are due, and who was told of what when.

Callers hold the locks of the issues.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as, storable
from postrail.records import OutgoingQueued

# An issue, and an address in lower case.
Told = tuple[int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An event that some of its recipients wait for."""

    # The message about this event alone, to the recipients who wait.
    mail: OutgoingQueued
    # All that it is made of (`postrail.notifications.bundles`).
    content: str
    due_at: datetime
    # For the digests of the recipients, and not for a bundle of the issue.
    digest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """An event that a person is to be told of now."""

    event_id: int
    issue_id: int
    recipient: str
    name: str
    message_id: str
    # The recipient's own texts of the message about the event alone.
    tokens: Mapping[str, str]


async def told_since(
    connection: Connection, issue_ids: Collection[int], since: datetime
) -> dict[Told, datetime]:
    """Returns when people were last told of an event of these issues after this time.

    A held message counts: what follows it while it waits for a person is bundled, too.
    """
    found = await rows(
        connection,
        "SELECT mail.issue_id, lower(delivery.recipient), max(mail.queued_at)"
        " FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"
        " WHERE mail.issue_id = ANY(%s) AND mail.queued_at > %s AND mail.purpose = ''"
        "  AND mail.message_event <> 'manual' AND delivery.state <> 'cancelled'"
        " GROUP BY 1, 2",
        [sorted(issue_ids), since],
    )
    return {(row[0], row[1]): row[2] for row in found}


async def waiting_until(connection: Connection, issue_ids: Collection[int]) -> dict[Told, datetime]:
    """Returns until when people wait for events of these issues."""
    found = await rows(
        connection,
        "SELECT issue_id, lower(recipient), max(due_at) FROM pending_delivery"
        " WHERE issue_id = ANY(%s) AND NOT digest GROUP BY 1, 2",
        [sorted(issue_ids)],
    )
    return {(row[0], row[1]): row[2] for row in found}


_STORE = """
WITH event AS (
    INSERT INTO pending_event (outgoing_id, issue_id, issue_key, conversation, connection, cause,
        subject, happened_at, content)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING event_id, issue_id
)
INSERT INTO pending_delivery (event_id, recipient, issue_id, name, message_id, tokens, due_at,
    digest)
SELECT event_id, recipient, issue_id, name, message_id, tokens::jsonb, %s, %s
FROM event, unnest(%b::text[], %b::text[], %b::text[], %b::text[])
    AS own(recipient, name, message_id, tokens)
"""


async def store(connection: Connection, waiting: Sequence[Waiting]) -> None:
    """Writes events that wait, in this order."""
    for one in waiting:
        mail = one.mail
        await connection.execute(
            _STORE,
            [
                mail.outgoing_id,
                mail.issue_id,
                mail.issue_key,
                mail.conversation,
                mail.connection,
                storable(mail.cause),
                storable(mail.subject),
                mail.queued_at,
                one.content,
                one.due_at,
                one.digest,
                [storable(delivery.recipient) for delivery in mail.deliveries],
                [storable(delivery.name) for delivery in mail.deliveries],
                [storable(delivery.message_id) for delivery in mail.deliveries],
                [json.dumps(dict(delivery.tokens)) for delivery in mail.deliveries],
            ],
        )


async def due(connection: Connection, issue_id: int, now: datetime) -> list[Due]:
    """Returns the events that people are to be told of now, in the order of the commits."""
    return await rows_as(
        connection,
        Due,
        "SELECT event_id, issue_id, recipient, name, message_id, tokens FROM pending_delivery"
        " WHERE issue_id = %s AND due_at <= %s AND NOT digest ORDER BY event_id, recipient",
        [issue_id, now],
    )


async def due_in_digest(
    connection: Connection,
    recipient: str,
    now: datetime,
    *,
    issue_ids: Collection[int] | None = None,
) -> list[Due]:
    """Returns the events for the person's digest, of these issues only, in the order as `due`."""
    return await rows_as(
        connection,
        Due,
        "SELECT event_id, issue_id, recipient, name, message_id, tokens FROM pending_delivery"
        " WHERE digest AND recipient = %s AND due_at <= %s"
        "  AND (%s::bigint[] IS NULL OR issue_id = ANY(%s::bigint[])) ORDER BY event_id",
        [recipient, now, *2 * (None if issue_ids is None else sorted(issue_ids),)],
    )


async def contents(connection: Connection, event_ids: Collection[int]) -> dict[int, str]:
    """Returns what the messages about these events are made of, in the order of the commits."""
    found = await rows(
        connection,
        "SELECT event_id, content FROM pending_event WHERE event_id = ANY(%s) ORDER BY event_id",
        [sorted(event_ids)],
    )
    return {row[0]: row[1] for row in found}


async def forget(connection: Connection, told: Sequence[Due]) -> None:
    """Removes what people have been told of, and the events that nobody waits for any more."""
    event_ids = [one.event_id for one in told]
    await connection.execute(
        "DELETE FROM pending_delivery USING unnest(%s::bigint[], %b::text[])"
        "  AS given(event_id, recipient)"
        " WHERE pending_delivery.event_id = given.event_id"
        "  AND pending_delivery.recipient = given.recipient",
        [event_ids, [one.recipient for one in told]],
    )
    await _forget_events(connection, event_ids)


async def drop(
    connection: Connection, issue_ids: Collection[int], addresses: Collection[str]
) -> None:
    """Removes what people wait for of these issues, digests included, by addresses in lower case.

    Nobody is told of it.
    """
    dropped = await rows(
        connection,
        "DELETE FROM pending_delivery WHERE issue_id = ANY(%s) AND lower(recipient) = ANY(%b)"
        " RETURNING event_id",
        [sorted(issue_ids), sorted(addresses)],
    )
    await _forget_events(connection, [event_id for (event_id,) in dropped])


async def issues_of(connection: Connection, outgoing_ids: Collection[str]) -> set[int]:
    """Returns the issues of the events that these messages would report alone."""
    found = await rows(
        connection,
        "SELECT DISTINCT issue_id FROM pending_event WHERE outgoing_id = ANY(%s::uuid[])",
        [sorted(outgoing_ids)],
    )
    return {issue_id for (issue_id,) in found}


async def cancel(
    connection: Connection, deliveries: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Removes what waits, by the ids of the messages and the recipients; returns what did wait."""
    found = await rows(
        connection,
        "DELETE FROM pending_delivery USING pending_event AS event,"
        "  unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE event.event_id = pending_delivery.event_id"
        "  AND event.outgoing_id = given.outgoing_id"
        "  AND pending_delivery.recipient = given.recipient"
        " RETURNING event.outgoing_id::text, pending_delivery.recipient, event.event_id",
        [[one[0] for one in deliveries], [one[1] for one in deliveries]],
    )
    await _forget_events(connection, [row[2] for row in found])
    return [(row[0], row[1]) for row in found]


async def _forget_events(connection: Connection, event_ids: Collection[int]) -> None:
    """Removes those of the events that nobody waits for any more."""
    await connection.execute(
        "DELETE FROM pending_event WHERE event_id = ANY(%s) AND NOT EXISTS (SELECT"
        " FROM pending_delivery WHERE pending_delivery.event_id = pending_event.event_id)",
        [sorted(set(event_ids))],
    )


async def waiting_for(
    connection: Connection, issue_ids: Collection[int], causes: Collection[str]
) -> list[str]:
    """Returns the recipients who wait for the events of these issues that have these causes."""
    if not causes:
        return []
    found = await rows(
        connection,
        "SELECT DISTINCT recipient FROM pending_delivery JOIN pending_event USING (event_id)"
        " WHERE pending_delivery.issue_id = ANY(%s) AND cause = ANY(%b) ORDER BY recipient",
        [sorted(issue_ids), sorted(causes)],
    )
    return [row[0] for row in found]
