"""Serves the requests to publish messages again: which are due, and what became of each.

The order makes a kill harmless. First the message goes back to `fetched`, then its record is
published, then its new place is saved and the request removed. If the record came first, the
handler could meet it while the message is still `failed`, pass it over, and the message would stay
`fetched` for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, one, rows, rows_as, storable
from postrail.incoming.fetched import FetchedRow
from postrail.incoming.refetch import AGAIN
from postrail.records import MailParsed
from postrail.stream import avro


@dataclass(frozen=True, kw_only=True, slots=True)
class Refetch:
    """A due request, and what its message's row says of the bytes."""

    mail_id: str
    mailbox: str
    source: str
    state: str
    revision: int
    requested_at: datetime
    attempts: int
    size: int
    received_at: datetime | None
    fetched_at: datetime
    raw_partition: int | None
    raw_offset: int | None
    blobs: list[str]
    has_parsed: bool
    # The message is past `fetched` again, or has another outcome: there is nothing to do.
    fulfilled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxRequests:
    """The requests of one mailbox."""

    mailbox: str
    # Some have bytes in the mailbox only: those that wait for its account, and those that do not.
    held: bool
    to_hold: bool
    # The latest time at which one became due that only the mailbox can serve.
    due_in_mailbox: datetime | None


async def mailboxes(connection: Connection, now: datetime) -> list[MailboxRequests]:
    """Returns the mailboxes that have requests."""
    return await rows_as(
        connection,
        MailboxRequests,
        "SELECT mailbox, bool_or(held) AS held,"
        " bool_or(only_in_mailbox AND NOT held) AS to_hold,"
        " max(due_at) FILTER (WHERE only_in_mailbox AND NOT held AND due_at <= %s)"
        "  AS due_in_mailbox FROM refetch GROUP BY mailbox ORDER BY mailbox",
        [now],
    )


async def due(
    connection: Connection,
    mailboxes: Sequence[str],
    now: datetime,
    *,
    only_in_mailbox: bool,
    limit: int,
    max_bytes: int,
    but: Collection[str] = (),
) -> list[Refetch]:
    """Returns due requests of these mailboxes, in the order in which their messages arrived.

    At most `limit`, and at most `max_bytes` of messages, but one in any case; without the messages
    `but`. Requests whose messages are past `fetched` again are removed.
    """
    while True:
        found = await _due(connection, mailboxes, now, only_in_mailbox, limit, but)
        fulfilled = [request for request in found if request.fulfilled]
        if not fulfilled:
            break
        await _remove(connection, fulfilled)
    size, taken = 0, 0
    for each in found:
        size += each.size
        if taken and size > max_bytes:
            break
        taken += 1
    return found[:taken]


async def _due(
    connection: Connection,
    mailboxes: Sequence[str],
    now: datetime,
    only_in_mailbox: bool,
    limit: int,
    but: Collection[str],
) -> list[Refetch]:
    return await rows_as(
        connection,
        Refetch,
        "SELECT mail_id::text, mail.mailbox, source, state, refetch.revision,"  # noqa: S608  Our own condition.
        " requested_at,"
        " refetch.attempts, size, received_at, fetched_at, raw_partition, raw_offset, blobs,"
        " parsed IS NOT NULL AS has_parsed, mail.revision <> refetch.revision OR NOT "
        + AGAIN
        + " AS fulfilled FROM refetch JOIN incoming_mail AS mail USING (mail_id)"
        " WHERE refetch.mailbox = ANY(%s) AND refetch.due_at <= %s AND NOT held"
        " AND only_in_mailbox = %s AND mail_id <> ALL(%s::uuid[])"
        " ORDER BY refetch.due_at, sequence LIMIT %s",
        [list(mailboxes), now, only_in_mailbox, list(but), limit],
    )


async def parsed_form(connection: Connection, mail_id: str) -> MailParsed | None:
    """Returns the parsed message, if its row has it."""
    row = await one(connection, "SELECT parsed FROM incoming_mail WHERE mail_id = %s", [mail_id])
    record = avro.decode(row[0]) if row and row[0] is not None else None
    return record if isinstance(record, MailParsed) else None


async def begin(connection: Connection, requests: Sequence[Refetch], now: datetime) -> set[str]:
    """Sets messages back to `fetched`, with their revisions; returns the ids of those to publish.

    A message that is past `fetched` again is left alone.
    """
    found = await rows(
        connection,
        "UPDATE incoming_mail AS mail SET state = 'fetched', attempts = 0,"  # noqa: S608  Our own condition.
        " limit_tries = 0, due_at = NULL,"
        " refetched_at = %(now)s FROM refetch,"
        " unnest(%(mail_ids)s::uuid[], %(times)s::timestamptz[]) AS served (mail_id, requested_at)"
        " WHERE mail.mail_id = served.mail_id AND refetch.mail_id = served.mail_id"
        " AND refetch.requested_at = served.requested_at AND mail.revision = refetch.revision"
        " AND " + AGAIN + " RETURNING mail.mail_id::text",
        {**_named(requests), "now": now},
    )
    return {mail_id for (mail_id,) in found}


async def settle(
    connection: Connection, requests: Sequence[Refetch], published: Sequence[FetchedRow]
) -> None:
    """Saves where the records are that Kafka has acknowledged, and removes the requests."""
    await connection.execute(
        "UPDATE incoming_mail AS mail SET raw_partition = again.raw_partition,"
        " raw_offset = again.raw_offset, size = again.size,"
        " received_at = coalesce(again.received_at, mail.received_at),"
        " blobs = CASE WHEN state <> 'fetched' THEN blobs"
        "  WHEN blob IS NULL THEN '{}' ELSE ARRAY[blob] END"
        " FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
        "  %b::text[]) AS again (mail_id, raw_partition, raw_offset, size, received_at, blob)"
        " WHERE mail.mail_id = again.mail_id",
        [
            [row.mail_id for row in published],
            [row.raw_partition for row in published],
            [row.raw_offset for row in published],
            [row.size for row in published],
            [row.received_at for row in published],
            [row.blob for row in published],
        ],
    )
    await _remove(connection, requests)


async def only_in_mailbox(connection: Connection, requests: Sequence[Refetch]) -> None:
    """Notes that nothing but the mailbox has the bytes of these messages."""
    await connection.execute(
        "UPDATE refetch SET only_in_mailbox = true FROM"
        " unnest(%(mail_ids)s::uuid[], %(times)s::timestamptz[]) AS served (mail_id, requested_at)"
        " WHERE refetch.mail_id = served.mail_id"
        " AND refetch.requested_at = served.requested_at",
        _named(requests),
    )


async def postpone(
    connection: Connection, request: Refetch, reason: str, *, until: datetime, now: datetime
) -> bool:
    """Fails a message that its server refuses again, with a later time to ask for it once more.

    Returns False, and changes nothing, when another process has served the request.
    """
    cursor = await connection.execute(
        "UPDATE refetch SET due_at = %s, attempts = attempts + 1, tried_at = %s, problem = %s"
        " WHERE mail_id = %s AND requested_at = %s",
        (until, now, storable(reason), request.mail_id, request.requested_at),
    )
    if cursor.rowcount:
        await _fail(connection, request, reason, now)
    return cursor.rowcount == 1


async def defer(
    connection: Connection, request: Refetch, problem: str, *, until: datetime, now: datetime
) -> None:
    """Has a request wait that meets a fault which is not the message's; that stays as it is."""
    await connection.execute(
        "UPDATE refetch SET due_at = %s, tried_at = %s, problem = %s"
        " WHERE mail_id = %s AND requested_at = %s",
        (until, now, storable(problem), request.mail_id, request.requested_at),
    )


async def give_up(connection: Connection, request: Refetch, reason: str, now: datetime) -> bool:
    """Fails a message whose bytes nobody can give.

    Returns False, and changes nothing, when another process has served the request.
    """
    if not await _remove(connection, [request]):
        return False
    if await _fail(connection, request, reason, now):
        await connection.execute(
            "UPDATE incoming_mail SET raw_partition = NULL, raw_offset = NULL WHERE mail_id = %s",
            (request.mail_id,),
        )
    return True


async def handle_parsed(connection: Connection, request: Refetch, now: datetime) -> bool:
    """Has the handler work with the parsed form in the message's row, as its bytes are gone.

    The message takes a new arrival number, as one does that is published again.

    Returns False, and changes nothing, when another process has served the request.
    """
    if not await _remove(connection, [request]):
        return False
    await connection.execute(
        "UPDATE incoming_mail SET state = 'new', due_at = %(now)s, attempts = 0,"  # noqa: S608  Our own condition.
        " limit_tries = 0, arrival = nextval('arrival_number'),"
        " refetched_at = %(now)s WHERE mail_id = %(mail_id)s AND revision = %(revision)s"
        " AND " + AGAIN + " AND parsed IS NOT NULL",
        {"now": now, "mail_id": request.mail_id, "revision": request.revision},
    )
    return True


async def hold(connection: Connection, request: Refetch, reason: str, now: datetime) -> None:
    """Has a due request wait until its account is enabled; its message is `failed` until then.

    A message that had failed before keeps its reason; one whose request another process has served
    is left alone.
    """
    cursor = await connection.execute(
        "UPDATE refetch SET held = true, tried_at = %s, problem = %s"
        " WHERE mail_id = %s AND requested_at = %s",
        (now, storable(reason), request.mail_id, request.requested_at),
    )
    if cursor.rowcount and request.state == "fetched":
        await _fail(connection, request, reason, now)


async def hold_later(connection: Connection, mailbox: str, now: datetime) -> None:
    """Has the requests of a disabled account wait that are to be served later by its mailbox."""
    await connection.execute(
        "UPDATE refetch SET held = true"
        " WHERE mailbox = %s AND only_in_mailbox AND NOT held AND due_at > %s",
        (mailbox, now),
    )


async def release(connection: Connection, mailbox: str, now: datetime) -> int:
    """Makes the held requests of an account due that is enabled again; returns their number."""
    cursor = await connection.execute(
        "UPDATE refetch SET held = false, due_at = %s WHERE mailbox = %s AND held", (now, mailbox)
    )
    return cursor.rowcount


async def _fail(connection: Connection, request: Refetch, reason: str, now: datetime) -> bool:
    """Fails the message unless it is past `fetched`; returns whether it did."""
    cursor = await connection.execute(
        "UPDATE incoming_mail SET state = 'failed', outcome = 'failed', reason = %s,"  # noqa: S608  Our own condition.
        " handled_at = %s, first_handled_at = coalesce(first_handled_at, handled_at)"
        " WHERE mail_id = %s AND revision = %s AND " + AGAIN,
        (storable(reason), now, request.mail_id, request.revision),
    )
    return cursor.rowcount == 1


async def _remove(connection: Connection, requests: Sequence[Refetch]) -> int:
    """Removes the requests, unless they were made anew in the meantime; returns their number."""
    cursor = await connection.execute(
        "DELETE FROM refetch USING"
        " unnest(%(mail_ids)s::uuid[], %(times)s::timestamptz[]) AS served (mail_id, requested_at)"
        " WHERE refetch.mail_id = served.mail_id"
        " AND refetch.requested_at = served.requested_at",
        _named(requests),
    )
    return cursor.rowcount


def _named(requests: Sequence[Refetch]) -> dict[str, object]:
    return {
        "mail_ids": [request.mail_id for request in requests],
        "times": [request.requested_at for request in requests],
    }
