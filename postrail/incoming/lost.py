"""Messages in state fetched whose records are lost: which may be, and what is done about them.

What proves a loss is the fetcher's work (`services.fetcher.losses`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as
from postrail.incoming import refetch

REQUESTED_BY = "fetcher: record lost"
# A message whose record is passed so often without effect fails, instead of being asked for again.
PASSED_MAX = 3
# At most this number is examined in one round.
LIMIT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A message in state fetched whose record may be lost."""

    mail_id: str
    raw_partition: int
    raw_offset: int
    # When its record was last published.
    published_at: datetime


async def suspects(
    connection: Connection,
    *,
    made_anew_at: datetime | None,
    passed: Mapping[int, int],
    ends: Mapping[int, int],
) -> list[Suspect]:
    """Returns fetched messages from before `made_anew_at`, or whose records were passed or gone.

    `passed` are the parser's next offsets, and `ends` those of mail.fetched, by partition. Messages
    that are being asked for again are left out.
    """
    return await rows_as(
        connection,
        Suspect,
        "SELECT mail_id::text, raw_partition, raw_offset,"
        " greatest(fetched_at, refetched_at) AS published_at"
        " FROM incoming_mail AS mail"
        " JOIN unnest(%s::int[], %s::bigint[], %s::bigint[]) AS log(partition, passed, log_end)"
        "  ON log.partition = raw_partition"
        " WHERE state = 'fetched' AND (raw_offset < log.passed OR raw_offset >= log.log_end"
        "  OR greatest(fetched_at, refetched_at) < %s)"
        " AND NOT EXISTS (SELECT 1 FROM refetch WHERE refetch.mail_id = mail.mail_id)"
        " ORDER BY fetched_at LIMIT %s",
        [
            list(ends),
            [passed.get(partition, 0) for partition in ends],
            list(ends.values()),
            made_anew_at,
            LIMIT,
        ],
    )


async def ask_again(
    connection: Connection, lost: Sequence[Suspect], *, passed: Sequence[str], now: datetime
) -> tuple[list[str], list[str]]:
    """Asks for those of the messages again that still are in state fetched, at the same place.

    `passed` are the ids of those whose records the parser has passed: the record itself may be at
    fault, so they fail after PASSED_MAX times. Returns the ids that are asked for, and that failed.
    """
    ids = await _still_lost(connection, lost)
    failed = await _fail_often_passed(
        connection, [mail_id for mail_id in passed if mail_id in ids], now
    )
    asked = sorted(ids - failed)
    await refetch.request(
        connection,
        asked,
        requested_by=REQUESTED_BY,
        reason="Kafka has lost its record, or nothing came of it",
        now=now,
    )
    return asked, sorted(failed)


async def _still_lost(connection: Connection, lost: Sequence[Suspect]) -> set[str]:
    """Locks and returns the messages that nothing has happened to."""
    found = await rows(
        connection,
        "SELECT mail.mail_id::text FROM incoming_mail AS mail"
        " JOIN unnest(%s::uuid[], %s::int[], %s::bigint[], %s::timestamptz[])"
        "  AS lost(mail_id, partition, record, published_at)"
        "  ON lost.mail_id = mail.mail_id AND lost.partition = raw_partition"
        "  AND lost.record = raw_offset AND lost.published_at = greatest(fetched_at, refetched_at)"
        " WHERE state = 'fetched' ORDER BY mail.mail_id FOR UPDATE OF mail",
        [
            [suspect.mail_id for suspect in lost],
            [suspect.raw_partition for suspect in lost],
            [suspect.raw_offset for suspect in lost],
            [suspect.published_at for suspect in lost],
        ],
    )
    locked = {row[0] for row in found}
    # Another fetcher may have asked for them while this one waited for the locks.
    asked = await rows(
        connection, "SELECT mail_id::text FROM refetch WHERE mail_id = ANY(%s::uuid[])", [[*locked]]
    )
    return locked - {row[0] for row in asked}


async def _fail_often_passed(
    connection: Connection, mail_ids: Sequence[str], now: datetime
) -> set[str]:
    """Counts one more time for each message; fails those with too many, and returns their ids."""
    found = await rows(
        connection,
        "INSERT INTO lost_mail AS known (mail_id, found_at)"
        " SELECT mail_id, %s FROM unnest(%s::uuid[]) AS passed(mail_id) ORDER BY mail_id"
        " ON CONFLICT (mail_id) DO UPDATE SET times = known.times + 1, found_at = excluded.found_at"
        " RETURNING mail_id::text, times",
        [now, list(mail_ids)],
    )
    failed = [mail_id for mail_id, times in found if times >= PASSED_MAX]
    await connection.execute(
        "UPDATE incoming_mail SET state = 'failed', outcome = 'failed', reason = %s,"
        " handled_at = %s WHERE mail_id = ANY(%s::uuid[])",
        [
            f"its record was published {PASSED_MAX} times, and the parser and the handler passed it"
            " without taking it in: see postrail dead list, and the log of the parser",
            now,
            failed,
        ],
    )
    # A person who retries it gives it the same number of times again.
    await connection.execute("DELETE FROM lost_mail WHERE mail_id = ANY(%s::uuid[])", [failed])
    return set(failed)


async def waiting(connection: Connection, made_anew_at: datetime | None) -> dict[str, int]:
    """Counts, by mailbox, the messages whose records are lost and not published again yet.

    Those from before `made_anew_at`, when today's mail.fetched was first seen, count before their
    loss is proven.
    """
    found = await rows(
        connection,
        "SELECT mailbox, count(*) FROM incoming_mail AS mail WHERE state = 'fetched'"
        " AND (greatest(fetched_at, refetched_at) < %s OR EXISTS (SELECT 1 FROM refetch"
        "  WHERE refetch.mail_id = mail.mail_id AND requested_by = %s)) GROUP BY mailbox",
        [made_anew_at, REQUESTED_BY],
    )
    return {mailbox: int(count) for mailbox, count in found}
