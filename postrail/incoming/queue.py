"""Incoming mail: the ledger of what was fetched, the queue of what is due, the log of outcomes.

States: fetched (the raw mail is in Kafka) → new (the parsed mail is here) → done or failed;
waiting: to be tried again at a time; quarantined: held for a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from postrail.database import Connection, one, rows
from postrail.incoming import conversations
from postrail.records import MailParsed
from postrail.stream import avro
from postrail.stream.received import Received


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedRow:
    """A mail whose bytes Kafka has acknowledged; `blob` is the SHA-256 of a large one."""

    mail_id: str
    mailbox: str
    source: str
    size: int
    received_at: datetime | None
    fetched_at: datetime
    raw_partition: int
    raw_offset: int
    blob: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DueMail:
    """A mail that is to be worked now; its row is locked by the caller's transaction."""

    mail: MailParsed
    conversation: str
    queue: str
    attempts: int
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a mail: its final state and why."""

    mail_id: str
    # done or failed
    state: str
    outcome: str
    reason: str
    issue_key: str | None
    comment_id: int | None
    trace: dict[str, Any]


async def fetched_since(connection: Connection, mailbox: str, since: datetime) -> int:
    """How many mails of the mailbox were fetched since then."""
    found = await one(
        connection,
        "SELECT count(*) FROM incoming_mail WHERE fetched_at > %s AND mailbox = %s",
        (since, mailbox),
    )
    return int(found[0]) if found else 0


async def record_fetched(connection: Connection, mails: Sequence[FetchedRow]) -> None:
    """Adds a row in state fetched for each mail; a mail that has a row keeps it."""
    await connection.execute(
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, received_at, fetched_at,"
        "  raw_partition, raw_offset, blobs)"
        " SELECT mail_id, mailbox, source, 'fetched', size, received_at, fetched_at, raw_partition,"
        "  raw_offset, CASE WHEN blob IS NULL THEN '{}' ELSE ARRAY[blob] END"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %s::bigint[], %s::timestamptz[],"
        "  %s::timestamptz[], %s::int[], %s::bigint[], %b::text[])"
        "  AS fetched(mail_id, mailbox, source, size, received_at, fetched_at, raw_partition,"
        "   raw_offset, blob)"
        " ON CONFLICT (mail_id) DO NOTHING",
        [
            [mail.mail_id for mail in mails],
            [mail.mailbox for mail in mails],
            [mail.source for mail in mails],
            [mail.size for mail in mails],
            [mail.received_at for mail in mails],
            [mail.fetched_at for mail in mails],
            [mail.raw_partition for mail in mails],
            [mail.raw_offset for mail in mails],
            [mail.blob for mail in mails],
        ],
    )


async def take_in(
    connection: Connection, batch: Sequence[Received[MailParsed]], now: datetime
) -> None:
    """Brings parsed mails into the table as due, in the order of the batch.

    A row past `fetched` stays as it is, so a record that comes again changes nothing. A mail twice
    in one batch counts once.
    """
    mails = {got.record.mail_id: got.record for got in batch}
    fresh = [mails[mail_id] for mail_id in await _not_taken_in(connection, list(mails))]
    if not fresh:
        return
    placed = await conversations.place(connection, [conversations.named_by(mail) for mail in fresh])
    numbers = await rows(
        connection, "SELECT nextval('arrival_number') FROM generate_series(1, %s)", [len(fresh)]
    )
    await connection.execute(
        "INSERT INTO incoming_mail AS present (mail_id, mailbox, source, state, size, received_at,"
        "  fetched_at, raw_partition, raw_offset, blobs, subject, sender, message_id, fingerprint,"
        "  parsed, conversation, queue, arrival, due_at)"
        " SELECT mail_id, mailbox, source, 'new', size, received_at, fetched_at, raw_partition,"
        "  raw_offset, string_to_array(blobs, ' '), subject, sender, message_id, fingerprint,"
        "  parsed, conversation, queue, arrival, %s"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %s::bigint[], %s::timestamptz[],"
        "  %s::timestamptz[], %s::int[], %s::bigint[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %b::bytea[], %s::uuid[], %s::uuid[], %s::bigint[])"
        "  AS parsed(mail_id, mailbox, source, size, received_at, fetched_at, raw_partition,"
        "   raw_offset, blobs, subject, sender, message_id, fingerprint, parsed, conversation,"
        "   queue, arrival)"
        " ON CONFLICT (mail_id) DO UPDATE SET state = 'new', blobs = excluded.blobs,"
        "  subject = excluded.subject, sender = excluded.sender,"
        "  message_id = excluded.message_id, fingerprint = excluded.fingerprint,"
        "  parsed = excluded.parsed, conversation = excluded.conversation,"
        "  queue = excluded.queue, arrival = excluded.arrival, due_at = excluded.due_at"
        " WHERE present.state = 'fetched'",
        [
            now,
            [mail.mail_id for mail in fresh],
            [mail.mailbox for mail in fresh],
            [mail.source for mail in fresh],
            [mail.size for mail in fresh],
            [mail.received_at for mail in fresh],
            [mail.fetched_at for mail in fresh],
            [mail.raw_partition for mail in fresh],
            [mail.raw_offset for mail in fresh],
            [" ".join(_blobs_of(mail)) for mail in fresh],
            [mail.subject[:1000] for mail in fresh],
            [mail.sender.address if mail.sender else "" for mail in fresh],
            [mail.message_id for mail in fresh],
            [mail.fingerprint for mail in fresh],
            [avro.encode(mail) for mail in fresh],
            [placed[mail.mail_id].conversation for mail in fresh],
            [placed[mail.mail_id].queue for mail in fresh],
            [row[0] for row in numbers],
        ],
    )


async def _not_taken_in(connection: Connection, mail_ids: list[str]) -> list[str]:
    """Those that have no row yet, or one in state fetched, in the given order."""
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail WHERE mail_id = ANY(%s) AND state <> 'fetched'",
        [mail_ids],
    )
    past = {row[0] for row in found}
    return [mail_id for mail_id in mail_ids if mail_id not in past]


def _blobs_of(mail: MailParsed) -> list[str]:
    bodies = [mail.raw_blob, mail.text_blob, mail.html_blob, mail.reply_blob]
    files = [*mail.attachments, *mail.signatures]
    return [blob.sha256 for blob in bodies if blob] + [file.sha256 for file in files]


async def take_due(connection: Connection, now: datetime, limit: int) -> list[DueMail]:
    """Due mails with no earlier unfinished mail in their conversation or queue, locked for us.

    Each conversation gives at most one. Another replica's mails are skipped, not waited for.
    """
    found = await rows(
        connection,
        "SELECT parsed, conversation::text, queue::text, attempts, revision"
        " FROM incoming_mail AS due"
        " WHERE state IN ('new', 'waiting') AND due_at <= %s AND NOT EXISTS ("
        "  SELECT 1 FROM incoming_mail AS earlier WHERE earlier.conversation = due.conversation"
        "  AND earlier.arrival < due.arrival AND earlier.state IN ('new', 'working', 'waiting'))"
        " AND NOT EXISTS ("
        "  SELECT 1 FROM incoming_mail AS earlier WHERE earlier.queue = due.queue"
        "  AND earlier.arrival < due.arrival AND earlier.state IN ('new', 'working', 'waiting'))"
        " ORDER BY due_at, arrival LIMIT %s FOR UPDATE SKIP LOCKED",
        [now, limit],
        binary=True,
    )
    return [
        DueMail(
            mail=avro.decode_as(MailParsed, row[0]),
            conversation=row[1],
            queue=row[2],
            attempts=row[3],
            revision=row[4],
        )
        for row in found
    ]


async def lock_work(connection: Connection, mails: Sequence[DueMail]) -> None:
    """Waits until nobody else works on these conversations, or on the same mails by content."""
    names = {name for due in mails for name in (due.conversation, due.queue, due.mail.fingerprint)}
    await connection.execute(
        "SELECT pg_advisory_xact_lock(number) FROM ("
        " SELECT DISTINCT hashtextextended(name, 0) AS number FROM unnest(%b::text[]) AS name"
        " ORDER BY number) AS sorted",
        [sorted(names)],
    )


async def finish(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> int:
    """Writes what became of the mails; each outcome is the next revision of its mail.

    Returns how many were written: a mail that somebody else has finished meanwhile stays as it is.
    """
    cursor = await connection.execute(
        "UPDATE incoming_mail AS mail SET state = done.state, outcome = done.outcome,"
        "  reason = done.reason, issue_key = done.issue_key, comment_id = done.comment_id,"
        "  trace = done.trace, revision = mail.revision + 1, handled_at = %s"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %s::bigint[],"
        "  %b::text[]::jsonb[])"
        "  AS done(mail_id, state, outcome, reason, issue_key, comment_id, trace)"
        " WHERE mail.mail_id = done.mail_id AND mail.state IN ('new', 'working', 'waiting')",
        [
            now,
            [done.mail_id for done in outcomes],
            [done.state for done in outcomes],
            [done.outcome for done in outcomes],
            [done.reason for done in outcomes],
            [done.issue_key for done in outcomes],
            [done.comment_id for done in outcomes],
            [json.dumps(done.trace) for done in outcomes],
        ],
    )
    return cursor.rowcount


async def postpone(connection: Connection, due: DueMail, reason: str, until: datetime) -> None:
    """Sets a mail to waiting: a part that only it needs is away.

    One that somebody else has finished meanwhile stays as it is.
    """
    await connection.execute(
        "UPDATE incoming_mail SET state = 'waiting', due_at = %s, attempts = attempts + 1,"
        " reason = %s WHERE mail_id = %s AND state IN ('new', 'working', 'waiting')",
        [until, reason, due.mail.mail_id],
    )


async def retry(connection: Connection, mail_id: str, now: datetime) -> bool:
    """Makes a failed or quarantined mail due again; its next outcome is its next revision.

    False when there is no such mail in these states, or its parsed form never arrived.
    """
    cursor = await connection.execute(
        "UPDATE incoming_mail SET state = 'new', due_at = %s, attempts = 0"
        " WHERE mail_id = %s AND state IN ('failed', 'quarantined') AND parsed IS NOT NULL",
        [now, mail_id],
    )
    return cursor.rowcount == 1


async def unaccounted(connection: Connection, now: datetime, after_seconds: float) -> int:
    """How many mails have had no outcome for longer than that; must be 0 when all is well."""
    row = await one(
        connection,
        "SELECT count(*) FROM incoming_mail WHERE state IN ('fetched', 'new', 'working', 'waiting')"
        " AND fetched_at < %s",
        [now - timedelta(seconds=after_seconds)],
    )
    return int(row[0]) if row else 0


async def counts(connection: Connection) -> dict[str, int]:
    """How many mails are in each unfinished or failed state."""
    found = await rows(
        connection,
        "SELECT state, count(*) FROM incoming_mail"
        " WHERE state IN ('fetched', 'new', 'working', 'waiting') GROUP BY state"
        " UNION ALL SELECT state, count(*) FROM incoming_mail"
        " WHERE state IN ('failed', 'quarantined') GROUP BY state",
    )
    return {row[0]: int(row[1]) for row in found}
