"""Stores outgoing messages: queue and log in one, with a row a message and a row a recipient.

A delivery is queued, then sending (under a claim that expires), then sent, deferred (with a time),
failed or cancelled. Claims expire by PostgreSQL's clock, the one clock that all senders share; due
times are by the caller's. Callers wrap these functions in `database.transaction`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString

from postrail.database import Connection
from postrail.outgoing.issues import issue_ids
from postrail.records import OutgoingQueued

DeliveryState = Literal["sent", "deferred", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedRecipient:
    """A recipient to whom the claimed message is to be sent now."""

    address: str
    # Including this attempt.
    attempts: int
    # An earlier attempt may have succeeded, but its result was not recorded.
    maybe_twice: bool


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of the delivery to one recipient."""

    recipient: str
    state: DeliveryState
    reply: str
    # When a deferred delivery is tried again; for other states, when they were reached.
    due_at: datetime
    maybe_twice: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResult:
    """The results of one attempt to send a claimed message."""

    claimed: Claimed
    results: tuple[Result, ...]


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
        "cause": [_text(record.cause) for record in records],
        "connection": [record.connection for record in records],
        "envelope_from": [_text(record.envelope_from) for record in records],
        "message_id": [_text(record.message_id) for record in records],
        "subject": [_text(record.subject) for record in records],
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
    return list({address.casefold(): _text(address) for address in reversed(recipients)}.values())


def _text(value: str) -> str:
    # PostgreSQL's type text rejects this character.
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
    WHERE state = 'sending' AND claim_until < now() AND {whose}
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
        claim_until = now() + %(claim_seconds)s * interval '1 second',
        -- The sender that held the claim before may have sent the message without recording it.
        maybe_twice = maybe_twice OR state = 'sending'
    FROM chosen
    WHERE delivery.outgoing_id = ANY (ARRAY(SELECT outgoing_id FROM chosen))
        AND delivery.outgoing_id = chosen.outgoing_id AND delivery.recipient = chosen.recipient
    RETURNING delivery.outgoing_id, delivery.recipient, delivery.attempts, delivery.maybe_twice
), mail AS (
    SELECT outgoing_id, array_agg(recipient ORDER BY recipient) AS addresses,
        array_agg(attempts ORDER BY recipient) AS attempts,
        array_agg(maybe_twice ORDER BY recipient) AS maybe_twice
    FROM claimed GROUP BY outgoing_id
)
SELECT outgoing_id::text, conversation, issue_key, connection, envelope_from, message_id, mailbox,
    queued_at, received_at, message, message_blob, addresses, attempts, maybe_twice
FROM mail JOIN outgoing_mail USING (outgoing_id) ORDER BY sequence
"""

_CLAIM_OF_CONNECTION = _CLAIM.format(whose="connection = %(connection)s", due=_DUE)
_CLAIM_OF_OTHERS = _CLAIM.format(whose="connection <> ALL (%(known)b::text[])", due=_DUE)


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
    not for deferred ones. An expired claim is taken over, and marked as maybe sent twice.
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


async def claim_stray(
    connection: Connection,
    now: datetime,
    claim_seconds: float,
    limit: int,
    *,
    known: Sequence[str],
) -> list[Claimed]:
    """Claims due messages whose outgoing connection is not in `known`."""
    parameters = {
        "now": now,
        "claim_seconds": claim_seconds,
        "limit": limit,
        "known": list(known),
    }
    return await _claim(connection, _CLAIM_OF_OTHERS, parameters)


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
) -> Claimed:
    recipients = tuple(
        ClaimedRecipient(address=address, attempts=count, maybe_twice=twice)
        for address, count, twice in zip(addresses, attempts, maybe_twice, strict=True)
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


_FINISH = """
UPDATE delivery SET
    state = done.state, reply = done.reply, due_at = done.due_at, changed_at = %(now)s,
    maybe_twice = done.maybe_twice, claim = NULL, claim_until = NULL
FROM unnest(
    %(outgoing_id)s::uuid[], %(recipient)b::text[], %(claim)s::uuid[], %(state)b::text[],
    %(reply)b::text[], %(due_at)s::timestamptz[], %(maybe_twice)s::boolean[]
) AS done (outgoing_id, recipient, claim, state, reply, due_at, maybe_twice)
WHERE delivery.outgoing_id = done.outgoing_id AND delivery.recipient = done.recipient
    AND delivery.state = 'sending' AND delivery.claim = done.claim
RETURNING delivery.outgoing_id::text, delivery.recipient
"""


async def finish(
    connection: Connection, now: datetime, finished: Sequence[AttemptResult]
) -> list[AttemptResult]:
    """Records results, except for rows under another claim; returns the recorded ones.

    So a sender that was paused for longer than its claim cannot overwrite the work of another, and
    a repeated transaction records nothing twice.
    """
    pairs = [(item.claimed, result) for item in finished for result in item.results]
    if not pairs:
        return []
    columns = {
        "now": now,
        "outgoing_id": [claimed.outgoing_id for claimed, _ in pairs],
        "recipient": [result.recipient for _, result in pairs],
        "claim": [claimed.claim for claimed, _ in pairs],
        "state": [result.state for _, result in pairs],
        "reply": [_text(result.reply) for _, result in pairs],
        "due_at": [result.due_at for _, result in pairs],
        "maybe_twice": [result.maybe_twice for _, result in pairs],
    }
    cursor = await connection.execute(_FINISH, columns)
    recorded = {(str(outgoing_id), str(recipient)) async for outgoing_id, recipient in cursor}
    kept = [_only(item, recorded) for item in finished]
    return [item for item in kept if item.results]


def _only(item: AttemptResult, recorded: set[tuple[str, str]]) -> AttemptResult:
    results = tuple(
        result
        for result in item.results
        if (item.claimed.outgoing_id, result.recipient) in recorded
    )
    return AttemptResult(claimed=item.claimed, results=results)
