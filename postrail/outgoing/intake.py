"""Writes outgoing messages into the tables: for their cause, or from their records.

The transaction that causes a message stores it, so that it cannot be lost; the sender takes in from
its record what a restored database lacks. What is for a suppressed address is held.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postrail.database import Connection, rows, storable
from postrail.message_parts import Address
from postrail.outgoing.attachments import store_attachments
from postrail.outgoing.issues import issue_ids
from postrail.outgoing.suppressions import SUPPRESSED, check_reach
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.tracker import issues

_STORE = """
WITH given AS (
    SELECT * FROM unnest(
        %(outgoing_id)s::uuid[], %(conversation)b::text[], %(issue_id)s::bigint[],
        %(issue_key)b::text[], %(cause)b::text[], %(language)b::text[], %(connection)b::text[],
        %(envelope_from)b::text[], %(from_name)b::text[], %(reply_to)b::text[],
        %(subject)b::text[], %(text)b::text[], %(in_reply_to)b::text[], %(reference_ids)b::text[],
        %(queued_at)s::timestamptz[], %(received_at)s::timestamptz[], %(mailbox)b::text[],
        %(whole_message)b::bytea[], %(message_blob)b::text[], %(internal)s::bool[],
        %(purpose)b::text[], %(forwards)s::uuid[], %(html)b::text[], %(by_person)s::bool[],
        %(author_name)b::text[], %(message_event)b::text[], %(template)b::text[],
        %(shown_to)b::text[], %(shown_cc)b::text[], %(context)b::text[]
    ) WITH ORDINALITY AS mail (
        outgoing_id, conversation, issue_id, issue_key, cause, language, connection, envelope_from,
        from_name, reply_to, subject, text, in_reply_to, reference_ids, queued_at, received_at,
        mailbox, whole_message, message_blob, internal, purpose, forwards, html, by_person,
        author_name, message_event, template, shown_to, shown_cc, context, place
    )
), added AS (
    INSERT INTO outgoing_mail (
        outgoing_id, conversation, issue_id, issue_key, cause, language, connection, envelope_from,
        from_name, reply_to, subject, text, in_reply_to, reference_ids, queued_at, received_at,
        mailbox, whole_message, message_blob, internal, purpose, forwards, html, by_person,
        author_name, message_event, template, shown_to, shown_cc, context
    )
    SELECT outgoing_id, conversation, issue_id, issue_key, cause, language, connection,
        envelope_from, from_name, reply_to, subject, text, in_reply_to,
        string_to_array(reference_ids, ' '), queued_at, received_at, mailbox, whole_message,
        message_blob, internal, purpose, forwards, html, by_person, author_name,
        message_event, template, shown_to::jsonb, shown_cc::jsonb, context
    FROM given ORDER BY place
    ON CONFLICT (outgoing_id) DO NOTHING
    RETURNING outgoing_id, sequence, issue_id, connection, queued_at, purpose
), mail AS (
    SELECT * FROM added
    UNION ALL
    -- Those of earlier transactions: a statement does not see the rows that it adds.
    SELECT outgoing_id, sequence, issue_id, connection, queued_at, purpose FROM outgoing_mail
    WHERE outgoing_id = ANY(%(outgoing_id)s::uuid[])
)
INSERT INTO delivery (
    outgoing_id, recipient, name, message_id, tokens, connection, sequence, issue_id, state, reply,
    answered_at, answers_proven, sent_on_at, due_at, changed_at
)
SELECT outgoing_id, own.recipient, own.name, own.message_id, own.tokens::jsonb, mail.connection,
    mail.sequence, mail.issue_id,
    CASE WHEN own.held = '' AND suppression.address IS NULL THEN 'queued' ELSE 'held' END,
    coalesce(%(suppressed)s || suppression.reason, own.held),
    CASE WHEN own.automatic THEN mail.queued_at END, own.answers_proven,
    CASE WHEN mail.purpose IN ('forward', 'notice') THEN mail.queued_at END,
    -- A process of an earlier release may have had a clock that is ahead.
    least(mail.queued_at, now()), now()
FROM mail
JOIN unnest(
    %(of_mail)s::uuid[], %(recipient)b::text[], %(name)b::text[], %(message_id)b::text[],
    %(tokens)b::text[], %(held)b::text[], %(automatic)s::bool[], %(answers_proven)s::bool[]
) AS own (
    outgoing_id, recipient, name, message_id, tokens, held, automatic, answers_proven
) USING (outgoing_id)
LEFT JOIN suppression
    ON suppression.address = lower(own.recipient) AND suppression.released_at IS NULL
ON CONFLICT DO NOTHING
RETURNING outgoing_id::text, issue_id, due_at, starts_with(reply, %(suppressed)s)
"""


async def store(connection: Connection, records: Sequence[OutgoingQueued]) -> int:
    """Writes outgoing messages and their deliveries; existing ones stay as they are.

    The caller's transaction holds the locks of their issues (`postrail.tracker.issues.lock`), so
    that the messages of an issue are numbered in the order of the commits. Returns the number of
    new deliveries.
    """
    if not records:
        return 0
    own = [(record, delivery) for record in records for delivery in deliveries_of(record)]
    columns: dict[str, Any] = {
        "outgoing_id": [record.outgoing_id for record in records],
        "conversation": [record.conversation for record in records],
        "issue_id": await issue_ids(connection, records),
        "issue_key": [record.issue_key for record in records],
        "cause": [storable(record.cause) for record in records],
        "language": [record.language for record in records],
        "connection": [record.connection for record in records],
        "envelope_from": [storable(record.envelope_from) for record in records],
        "from_name": [storable(record.from_name) for record in records],
        "reply_to": [storable(record.reply_to) for record in records],
        "subject": [storable(record.subject) for record in records],
        "text": [_or_none(record.text) for record in records],
        "in_reply_to": [_or_none(record.in_reply_to) for record in records],
        "reference_ids": [storable(" ".join(record.references)) for record in records],
        "queued_at": [record.queued_at for record in records],
        "received_at": [record.received_at for record in records],
        "mailbox": [record.mailbox for record in records],
        "whole_message": [record.message for record in records],
        "message_blob": [
            record.message_blob.sha256 if record.message_blob else None for record in records
        ],
        "internal": [record.internal for record in records],
        "of_mail": [record.outgoing_id for record, _ in own],
        "purpose": [record.purpose for record in records],
        "forwards": [record.forwards for record in records],
        "html": [_or_none(record.html) for record in records],
        "by_person": [record.by_person for record in records],
        "author_name": [storable(record.author_name) for record in records],
        "message_event": [record.event for record in records],
        "template": [record.template for record in records],
        "shown_to": [_pairs(record.to) for record in records],
        "shown_cc": [_pairs(record.cc) for record in records],
        "context": [record.context for record in records],
        "recipient": [delivery.recipient for _, delivery in own],
        "name": [storable(delivery.name) for _, delivery in own],
        "message_id": [storable(delivery.message_id) for _, delivery in own],
        "tokens": [json.dumps(dict(delivery.tokens)) for _, delivery in own],
        "held": [storable(delivery.held) for _, delivery in own],
        "automatic": [record.automatic for record, _ in own],
        "answers_proven": [record.answers_proven for record, _ in own],
        "suppressed": SUPPRESSED,
    }
    added = await rows(connection, _STORE, columns)
    await store_attachments(connection, records)
    for outgoing_id, issue_id, due_at, suppressed in added:
        if suppressed and issue_id is not None:
            await check_reach(connection, [outgoing_id], due_at)
    return len(added)


def _or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _pairs(shown: Sequence[Address]) -> str | None:
    """Returns the names and addresses as JSON; None without any."""
    pairs = [[storable(one.name), storable(one.address)] for one in shown]
    return json.dumps(pairs) if pairs else None


async def take_in(connection: Connection, records: Sequence[OutgoingQueued]) -> int:
    """Stores what the tables lack of these records; returns the number of new deliveries."""
    missing = await _missing(connection, records)
    if not missing:
        return 0
    # Records keep the id that their issue had before it was merged: its successor is locked.
    known = [one for one in await issue_ids(connection, missing) if one is not None]
    await issues.lock(connection, known)
    return await store(connection, missing)


async def _missing(
    connection: Connection, records: Sequence[OutgoingQueued]
) -> list[OutgoingQueued]:
    """Returns the records of which a delivery has no row."""
    found = await rows(
        connection,
        "SELECT outgoing_id::text, recipient FROM delivery WHERE outgoing_id = ANY(%s::uuid[])",
        [[record.outgoing_id for record in records]],
    )
    existing = {(row[0], row[1]) for row in found}
    return [
        record
        for record in records
        if any(
            (record.outgoing_id, delivery.recipient) not in existing
            for delivery in deliveries_of(record)
        )
    ]


def deliveries_of(record: OutgoingQueued) -> list[OutgoingDelivery]:
    """Returns each recipient once; servers treat addresses that differ by case only as equal."""
    # Builds before migration 0016 named the recipients only.
    given = record.deliveries or [
        OutgoingDelivery(recipient=recipient, name="", message_id=record.message_id)
        for recipient in record.recipients
    ]
    # Not "casefold", for which strasse@ and straße@ are equal.
    distinct = {_address(one).lower(): one for one in reversed(given)}
    return [replace(one, recipient=_address(one)) for one in reversed(distinct.values())]


def _address(delivery: OutgoingDelivery) -> str:
    """Returns the address in a form that PostgreSQL stores."""
    # U+0000 stays recognizable as a character that no server accepts: without it the address would
    # be another one.
    return delivery.recipient.replace("\x00", "\ufffd")
