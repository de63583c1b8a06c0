"""Stores outgoing messages: queue and log in one, with a row a message and a row a recipient.

A delivery is queued, then sending (under a claim that expires), then sent, deferred (with a time),
failed, unconfirmed or cancelled (`postrail/outgoing/results.py` records these). While it is sending
it is begun from right before the final dot; only then may the server have taken it. Claims expire
by PostgreSQL's clock, the one clock that all senders share; due times are by the caller's. Callers
wrap these functions in `database.transaction`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection
from postrail.outgoing.issues import issue_ids
from postrail.records import OutgoingQueued


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedRecipient:
    """A recipient to whom the claimed message is to be sent now."""

    address: str
    # Including this attempt.
    attempts: int
    # An earlier attempt may have succeeded, but its result is not known.
    maybe_twice: bool
    # The number of earlier attempts whose outcome is unknown.
    unknown_attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A message that this sender alone may send to these recipients, until the claim expires."""

    claim: str
    outgoing_id: str
    conversation: str
    issue_key: str | None
    connection: str
    envelope_from: str
    message_id: str
    mailbox: str | None
    queued_at: datetime
    received_at: datetime | None
    message: bytes | None
    # SHA-256 of the blob that holds the message, when it was too large for a record.
    message_blob: str | None
    recipients: tuple[ClaimedRecipient, ...]


_INTAKE = """
WITH given AS (
    SELECT * FROM unnest(
        %(outgoing_id)s::uuid[], %(conversation)b::text[], %(issue_id)s::bigint[],
        %(issue_key)b::text[],
        %(cause)b::text[], %(connection)b::text[], %(envelope_from)b::text[],
        %(message_id)b::text[], %(subject)b::text[], %(queued_at)s::timestamptz[],
        %(received_at)s::timestamptz[], %(mailbox)b::text[], %(message)b::bytea[],
        %(message_blob)b::text[]
    ) WITH ORDINALITY AS mail (
        outgoing_id, conversation, issue_id, issue_key, cause, connection, envelope_from,
        message_id, subject, queued_at, received_at, mailbox, message, message_blob, place
    )
), added AS (
    INSERT INTO outgoing_mail (
        outgoing_id, conversation, issue_id, issue_key, cause, connection, envelope_from,
        message_id, subject, queued_at, received_at, mailbox, message, message_blob
    )
    SELECT outgoing_id, conversation, issue_id, issue_key, cause, connection, envelope_from,
        message_id, subject, queued_at, received_at, mailbox, message, message_blob
    FROM given ORDER BY place
    ON CONFLICT (outgoing_id) DO NOTHING
    RETURNING outgoing_id, sequence, issue_id, connection, queued_at
)
INSERT INTO delivery (
    outgoing_id, recipient, connection, sequence, issue_id, state, due_at, changed_at
)
SELECT added.outgoing_id, to_whom.recipient, added.connection, added.sequence, added.issue_id,
    -- The clock of the process that queued the message may be ahead.
    'queued', least(added.queued_at, now()), now()
FROM added
JOIN unnest(%(of_mail)s::uuid[], %(recipient)b::text[]) AS to_whom (outgoing_id, recipient)
    USING (outgoing_id)
ON CONFLICT DO NOTHING
"""


async def intake(connection: Connection, records: Sequence[OutgoingQueued]) -> int:
    """Takes queued messages into the tables; existing ones stay as they are.

    Returns the number of new deliveries.
    """
    if not records:
        return 0
    pairs = [(record.outgoing_id, to) for record in records for to in _distinct(record.recipients)]
    columns: dict[str, Any] = {
        "outgoing_id": [record.outgoing_id for record in records],
        "conversation": [record.conversation for record in records],
        "issue_id": await issue_ids(connection, records),
        "issue_key": [record.issue_key for record in records],
        "cause": [text(record.cause) for record in records],
        "connection": [record.connection for record in records],
        "envelope_from": [text(record.envelope_from) for record in records],
        "message_id": [text(record.message_id) for record in records],
        "subject": [text(record.subject) for record in records],
        "queued_at": [record.queued_at for record in records],
        "received_at": [record.received_at for record in records],
        "mailbox": [record.mailbox for record in records],
        "message": [record.message for record in records],
        "message_blob": [
            record.message_blob.sha256 if record.message_blob else None for record in records
        ],
        "of_mail": [outgoing_id for outgoing_id, _ in pairs],
        "recipient": [recipient for _, recipient in pairs],
    }
    return (await connection.execute(_INTAKE, columns)).rowcount


def _distinct(recipients: Sequence[str]) -> list[str]:
    """Returns each recipient once; servers treat addresses that differ by case only as equal."""
    # Not "casefold", for which strasse@ and straße@ are equal. U+0000 stays recognisable as a
    # character that no server accepts: without it the address would be another one.
    named = [address.replace("\x00", "\ufffd") for address in reversed(recipients)]
    return list({address.lower(): address for address in named}.values())


def text(value: str) -> str:
    """Returns the text without the character that PostgreSQL's type text rejects."""
    return value.replace("\x00", "")


_DUE: LiteralString = """state IN ('queued', 'deferred') AND due_at <= %(now)s
        AND NOT EXISTS (
            SELECT FROM delivery AS earlier
            WHERE earlier.issue_id = delivery.issue_id
                AND earlier.recipient = delivery.recipient
                AND earlier.sequence < delivery.sequence
                AND earlier.state IN ('queued', 'sending')
        )"""

_CLAIM: LiteralString = """
WITH expired AS MATERIALIZED (
    SELECT outgoing_id, recipient FROM delivery
    WHERE state = 'sending' AND claim_until < now() AND NOT begun AND {whose}
    ORDER BY claim_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), due AS MATERIALIZED (
    SELECT outgoing_id FROM delivery
    WHERE {whose} AND {due}
    ORDER BY due_at, sequence
    LIMIT (SELECT greatest(%(limit)s - count(*), 0) FROM expired) FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
    -- The other recipients of these messages are taken too: one SMTP transaction a message.
    -- By an array, here and below: the planner cannot estimate the due rows, and a join reads all.
    SELECT outgoing_id, recipient FROM delivery
    WHERE outgoing_id = ANY (
            ARRAY(SELECT outgoing_id FROM due UNION SELECT outgoing_id FROM expired)
        )
        AND {due}
    FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT * FROM taken UNION SELECT * FROM expired
), claimed AS (
    UPDATE delivery SET
        state = 'sending', claim = %(claim)s, attempts = attempts + 1, changed_at = %(now)s,
        claim_until = now() + %(claim_seconds)s * interval '1 second', begun = false
    FROM chosen
    WHERE delivery.outgoing_id = ANY (ARRAY(SELECT outgoing_id FROM chosen))
        AND delivery.outgoing_id = chosen.outgoing_id AND delivery.recipient = chosen.recipient
    RETURNING delivery.*
)"""

# The deliveries whose sender ended after the final dot and before it recorded the reply.
_INTERRUPTED: LiteralString = """
WITH chosen AS MATERIALIZED (
    SELECT outgoing_id, recipient FROM delivery
    WHERE state = 'sending' AND claim_until < now() AND begun
    ORDER BY claim_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery SET
        claim = %(claim)s, changed_at = %(now)s,
        claim_until = now() + %(claim_seconds)s * interval '1 second'
    FROM chosen
    WHERE delivery.outgoing_id = chosen.outgoing_id AND delivery.recipient = chosen.recipient
    RETURNING delivery.*
)"""

_CLAIMED: LiteralString = """, mail AS (
    SELECT outgoing_id, array_agg(recipient ORDER BY recipient) AS addresses,
        array_agg(attempts ORDER BY recipient) AS attempts,
        array_agg(maybe_twice ORDER BY recipient) AS maybe_twice,
        array_agg(unknown_attempts ORDER BY recipient) AS unknown_attempts
    FROM claimed GROUP BY outgoing_id
)
SELECT outgoing_id::text, conversation, issue_key, connection, envelope_from, message_id, mailbox,
    queued_at, received_at, message, message_blob, addresses, attempts, maybe_twice,
    unknown_attempts
FROM mail JOIN outgoing_mail USING (outgoing_id) ORDER BY sequence
"""

_CLAIM_OF_CONNECTION = _CLAIM.format(whose="connection = %(connection)s", due=_DUE) + _CLAIMED
_CLAIM_INTERRUPTED = _INTERRUPTED + _CLAIMED


async def claim_due(
    connection: Connection,
    now: datetime,
    claim_seconds: float,
    limit: int,
    *,
    outgoing_connection: str,
) -> list[Claimed]:
    """Claims up to `limit` due messages of an outgoing connection, oldest first.

    A message waits for earlier ones of its issue to the same recipient that are queued or sending,
    not for deferred ones. An expired claim is taken over, unless its delivery was begun.
    """
    return await _claim(
        connection,
        _CLAIM_OF_CONNECTION,
        {
            "now": now,
            "claim_seconds": claim_seconds,
            "limit": limit,
            "connection": outgoing_connection,
        },
    )


async def claim_interrupted(
    connection: Connection, now: datetime, claim_seconds: float, limit: int
) -> list[Claimed]:
    """Claims begun deliveries whose claim has expired: the outcome of this attempt is unknown.

    They are not to be sent under this claim, but to be recorded.
    """
    parameters = {"now": now, "claim_seconds": claim_seconds, "limit": limit}
    return await _claim(connection, _CLAIM_INTERRUPTED, parameters)


_BEGIN = """
UPDATE delivery SET begun = true
FROM unnest(%(outgoing_id)s::uuid[], %(claim)s::uuid[]) AS given (outgoing_id, claim)
WHERE delivery.outgoing_id = given.outgoing_id AND delivery.claim = given.claim
    AND delivery.state = 'sending' AND delivery.claim_until > now()
RETURNING delivery.outgoing_id::text
"""


async def begin(connection: Connection, messages: Sequence[Claimed]) -> set[str]:
    """Records that these messages are about to be completed; returns those whose claim holds."""
    columns = {
        "outgoing_id": [claimed.outgoing_id for claimed in messages],
        "claim": [claimed.claim for claimed in messages],
    }
    cursor = await connection.execute(_BEGIN, columns)
    return {str(row[0]) async for row in cursor}


async def _claim(
    connection: Connection, statement: LiteralString, parameters: dict[str, Any]
) -> list[Claimed]:
    claim = str(uuid.uuid4())
    cursor = await connection.execute(statement, {**parameters, "claim": claim}, binary=True)
    return [_claimed(claim, *row) async for row in cursor]


def _claimed(
    claim: str,
    outgoing_id: str,
    conversation: str,
    issue_key: str | None,
    connection: str,
    envelope_from: str,
    message_id: str,
    mailbox: str | None,
    queued_at: datetime,
    received_at: datetime | None,
    message: bytes | None,
    message_blob: str | None,
    addresses: list[str],
    attempts: list[int],
    maybe_twice: list[bool],
    unknown_attempts: list[int],
) -> Claimed:
    columns = zip(addresses, attempts, maybe_twice, unknown_attempts, strict=True)
    recipients = tuple(
        ClaimedRecipient(address=address, attempts=count, maybe_twice=twice, unknown_attempts=lost)
        for address, count, twice, lost in columns
    )
    return Claimed(
        claim=claim,
        outgoing_id=outgoing_id,
        conversation=conversation,
        issue_key=issue_key,
        connection=connection,
        envelope_from=envelope_from,
        message_id=message_id,
        mailbox=mailbox,
        queued_at=queued_at,
        received_at=received_at,
        message=message,
        message_blob=message_blob,
        recipients=recipients,
    )
