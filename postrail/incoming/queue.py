"""The rows of incoming messages: ledger of what was fetched, queue of what is due, log of outcomes.

States: fetched (the raw message is in Kafka) → new (the parsed message is here) → done or failed;
waiting: to be retried at a set time; quarantined: held for a person.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from postrail.database import Connection, one, rows, rows_as
from postrail.incoming import conversations
from postrail.incoming.message_ids import Named
from postrail.records import MailParsed
from postrail.stream import avro
from postrail.stream.received import Received


@dataclass(frozen=True, kw_only=True, slots=True)
class DueMail:
    """A message to process now; the caller's transaction holds the lock of its row."""

    mail: MailParsed
    conversation: str
    queue: str
    attempts: int
    revision: int
    # The number of bytes of its parsed form.
    size: int = 0
    # How often it has met a limit that other messages do not meet.
    limit_tries: int = 0
    # The conversation of somebody who had or named its id before, and has no claim on it.
    claimed_by: str | None = None
    # A person's order to handle it again, as `postrail.decision.release` stores it.
    release: dict[str, Any] | None = None
    # When it was handled first, if it has had an outcome before: its effects come late.
    own_time: datetime | None = None
    # Its arrival number; None for one that is not in a table.
    arrival: int | None = None

    @property
    def cause(self) -> str:
        """Names the message's next revision, as the cause of what follows from it."""
        return f"mail {self.mail.mail_id} revision {self.revision + 1}"

    @property
    def came_at(self) -> datetime:
        """Returns when the message came, as limits count it (see `counting.CAME_AT`)."""
        received_at, fetched_at = self.mail.received_at, self.mail.fetched_at
        return min(received_at, fetched_at) if received_at else fetched_at


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedMail:
    """The final state of a message, and the reason for it."""

    mail_id: str
    # done or failed
    state: str
    outcome: str
    reason: str
    issue_id: int | None
    # The key of the issue at this time.
    issue_key: str | None
    comment_id: int | None
    trace: dict[str, Any]


async def take_in(
    connection: Connection,
    fresh: Sequence[MailParsed],
    named: Sequence[Named],
    own_addresses: Collection[str],
    now: datetime,
) -> None:
    """Brings parsed messages that were `not_taken_in` into the table as due, in their order.

    `named` are the ids of each.
    """
    if not fresh:
        return
    placed = await conversations.place(connection, named, own_addresses)
    numbers = await rows(
        connection, "SELECT nextval('arrival_number') FROM generate_series(1, %s)", [len(fresh)]
    )
    await connection.execute(
        "INSERT INTO incoming_mail AS present (mail_id, mailbox, source, state, size, received_at,"
        "  fetched_at, raw_partition, raw_offset, blobs, subject, sender, message_id, fingerprint,"
        "  parsed, conversation, queue, arrival, claimed_by, joined_by, due_at)"
        " SELECT mail_id, mailbox, source, 'new', size, received_at, fetched_at, raw_partition,"
        "  raw_offset, string_to_array(blobs, ' '), subject, sender, message_id, fingerprint,"
        "  parsed, conversation, queue, arrival, claimed_by, joined_by, %s"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %s::bigint[], %s::timestamptz[],"
        "  %s::timestamptz[], %s::int[], %s::bigint[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %b::bytea[], %s::uuid[], %s::uuid[], %s::bigint[],"
        "  %s::uuid[], %b::bytea[])"
        "  AS parsed(mail_id, mailbox, source, size, received_at, fetched_at, raw_partition,"
        "   raw_offset, blobs, subject, sender, message_id, fingerprint, parsed, conversation,"
        "   queue, arrival, claimed_by, joined_by)"
        " ON CONFLICT (mail_id) DO UPDATE SET state = 'new', size = excluded.size,"
        "  received_at = coalesce(present.received_at, excluded.received_at),"
        "  raw_partition = excluded.raw_partition, raw_offset = excluded.raw_offset,"
        "  blobs = excluded.blobs, subject = excluded.subject, sender = excluded.sender,"
        "  message_id = excluded.message_id, fingerprint = excluded.fingerprint,"
        "  parsed = excluded.parsed, conversation = excluded.conversation,"
        "  queue = excluded.queue, arrival = excluded.arrival, due_at = excluded.due_at,"
        "  claimed_by = excluded.claimed_by, joined_by = excluded.joined_by"
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
            [placed[mail.mail_id].claimed_by for mail in fresh],
            [placed[mail.mail_id].joined_by for mail in fresh],
        ],
    )


async def not_taken_in(
    connection: Connection, batch: Sequence[Received[MailParsed]]
) -> list[MailParsed]:
    """Returns the messages without a row or with one in state fetched, in the given order.

    A row past `fetched` stays as it is, so a redelivered record changes nothing. A message that is
    in a batch twice counts once.
    """
    mails = {got.record.mail_id: got.record for got in batch}
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail WHERE mail_id = ANY(%s) AND state <> 'fetched'",
        [list(mails)],
    )
    past = {row[0] for row in found}
    return [mail for mail_id, mail in mails.items() if mail_id not in past]


def _blobs_of(mail: MailParsed) -> list[str]:
    bodies = [mail.raw_blob, mail.text_blob, mail.html_blob, mail.reply_blob]
    files = [*mail.attachments, *mail.signatures]
    return [blob.sha256 for blob in bodies if blob] + [file.sha256 for file in files]


@dataclass(frozen=True, kw_only=True, slots=True)
class DueRow:
    """A message to process now, as it is stored: nothing of it is decoded yet."""

    mail_id: str
    parsed: bytes
    conversation: str
    queue: str
    attempts: int
    revision: int
    limit_tries: int
    claimed_by: str | None
    release: dict[str, Any] | None = None
    own_time: datetime | None = None
    arrival: int | None = None

    def decoded(self) -> DueMail:
        """Returns the message with its parsed form."""
        return DueMail(
            mail=avro.decode_as(MailParsed, self.parsed),
            conversation=self.conversation,
            queue=self.queue,
            attempts=self.attempts,
            revision=self.revision,
            size=len(self.parsed),
            limit_tries=self.limit_tries,
            claimed_by=self.claimed_by,
            release=self.release,
            own_time=self.own_time,
            arrival=self.arrival,
        )


async def take_due(
    connection: Connection, now: datetime, limit: int, max_bytes: int
) -> list[DueRow]:
    """Locks and returns due messages that are first in their conversation and in their queue.

    Each conversation gives at most one. Rows that another replica has locked are skipped. At least
    one is returned, and no more once their parsed forms have `max_bytes`.
    """
    return await rows_as(
        connection,
        DueRow,
        # Sizes are known without reading the columns; those over the limit are not read.
        "WITH due AS MATERIALIZED ("
        "SELECT mail_id::text, parsed, conversation::text, queue::text, attempts, revision,"
        "  limit_tries, claimed_by::text, release,"
        "  coalesce(first_handled_at, handled_at) AS own_time, due_at, arrival"
        " FROM incoming_mail AS due"
        " WHERE state IN ('new', 'waiting') AND due_at <= %s AND NOT EXISTS ("
        "  SELECT 1 FROM incoming_mail AS earlier WHERE earlier.conversation = due.conversation"
        "  AND earlier.arrival < due.arrival AND earlier.state IN ('new', 'working', 'waiting'))"
        " AND NOT EXISTS ("
        "  SELECT 1 FROM incoming_mail AS earlier WHERE earlier.queue = due.queue"
        "  AND earlier.arrival < due.arrival AND earlier.state IN ('new', 'working', 'waiting'))"
        " ORDER BY due_at, arrival LIMIT %s FOR UPDATE SKIP LOCKED"
        "), summed AS ("
        "SELECT *, sum(octet_length(parsed)) OVER (ORDER BY due_at, arrival)"
        "  - octet_length(parsed) AS before FROM due)"
        " SELECT mail_id, parsed, conversation, queue, attempts, revision, limit_tries,"
        "  claimed_by, release, own_time, arrival FROM summed WHERE before < %s"
        " ORDER BY due_at, arrival",
        [now, limit, max_bytes],
        binary=True,
    )


async def parsed_mails(connection: Connection, mail_ids: Collection[str]) -> dict[str, MailParsed]:
    """Returns the parsed forms of these messages by mail_id, as far as they are kept."""
    if not mail_ids:
        return {}
    found = await rows(
        connection,
        "SELECT mail_id::text, parsed FROM incoming_mail"
        " WHERE mail_id = ANY(%s) AND parsed IS NOT NULL",
        [sorted(set(mail_ids))],
    )
    return {mail_id: avro.decode_as(MailParsed, parsed) for mail_id, parsed in found}


async def lock_work(connection: Connection, mails: Sequence[DueMail]) -> None:
    """Waits until no other process works on these conversations, queues or contents."""
    names = {name for due in mails for name in (due.conversation, due.queue, due.mail.fingerprint)}
    await connection.execute(
        "SELECT pg_advisory_xact_lock(number) FROM ("
        " SELECT DISTINCT hashtextextended(name, 0) AS number FROM unnest(%b::text[]) AS name"
        " ORDER BY number) AS sorted",
        [sorted(names)],
    )


async def lock_unhandled(connection: Connection, due: DueMail) -> bool:
    """Locks a message's row; returns False if another process has handled it in the meantime."""
    found = await one(
        connection,
        "SELECT FROM incoming_mail WHERE mail_id = %s AND revision = %s"
        " AND state IN ('new', 'working', 'waiting') FOR UPDATE",
        [due.mail.mail_id, due.revision],
    )
    return found is not None


async def finish(
    connection: Connection, finished: Sequence[FinishedMail], now: datetime
) -> frozenset[str]:
    """Writes the outcomes; each is the next revision of its message.

    An outcome ends the wait for an account, so that a message which is retried later waits anew.
    Returns the ids of the messages that it wrote: a message that another process has finished in
    the meantime stays as it is.
    """
    found = await rows(
        connection,
        "UPDATE incoming_mail AS mail SET state = done.state, outcome = done.outcome,"
        "  reason = done.reason, issue_id = done.issue_id, issue_key = done.issue_key,"
        "  comment_id = done.comment_id,"
        "  trace = done.trace, revision = mail.revision + 1, handled_at = %s,"
        "  first_handled_at = coalesce(mail.first_handled_at, mail.handled_at),"
        "  awaits_account_since = NULL"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %b::text[], %s::bigint[], %b::text[],"
        "  %s::bigint[], %b::text[]::jsonb[])"
        "  AS done(mail_id, state, outcome, reason, issue_id, issue_key, comment_id, trace)"
        " WHERE mail.mail_id = done.mail_id AND mail.state IN ('new', 'working', 'waiting')"
        " RETURNING mail.mail_id::text",
        [
            now,
            [done.mail_id for done in finished],
            [done.state for done in finished],
            [done.outcome for done in finished],
            [done.reason for done in finished],
            [done.issue_id for done in finished],
            [done.issue_key for done in finished],
            [done.comment_id for done in finished],
            [json.dumps(done.trace) for done in finished],
        ],
    )
    return frozenset(row[0] for row in found)


async def postpone(
    connection: Connection, due: DueMail, reason: str, until: datetime, *, limited: bool = False
) -> None:
    """Sets a message to waiting, because of something that only it needs or meets.

    `limited` counts a limit that it has met. A message that another process has finished in the
    meantime stays as it is.
    """
    await connection.execute(
        "UPDATE incoming_mail SET state = 'waiting', due_at = %s, attempts = attempts + 1,"
        " limit_tries = limit_tries + %s, reason = %s"
        " WHERE mail_id = %s AND state IN ('new', 'working', 'waiting')",
        [until, int(limited), reason, due.mail.mail_id],
    )


async def unaccounted(connection: Connection, now: datetime, after_seconds: float) -> int:
    """Counts the messages without an outcome that are older than that; 0 when all is well.

    A message that was published again counts from then.
    """
    row = await one(
        connection,
        "SELECT count(*) FROM incoming_mail WHERE state IN ('fetched', 'new', 'working', 'waiting')"
        " AND fetched_at < %(since)s AND (refetched_at IS NULL OR refetched_at < %(since)s)",
        {"since": now - timedelta(seconds=after_seconds)},
    )
    return int(row[0]) if row else 0


async def counts(connection: Connection) -> dict[str, int]:
    """Counts the messages in each unfinished or failed state."""
    found = await rows(
        connection,
        "SELECT state, count(*) FROM incoming_mail"
        " WHERE state IN ('fetched', 'new', 'working', 'waiting') GROUP BY state"
        " UNION ALL SELECT state, count(*) FROM incoming_mail"
        " WHERE state IN ('failed', 'quarantined') GROUP BY state",
    )
    return {row[0]: int(row[1]) for row in found}
