"""Messages that the fetcher is to publish to mail.fetched again, one row each.

The fetcher that has the message's mailbox serves the rows, as the only writer of mail.fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows_as, storable

# The outcomes of messages that had no effect on an issue, so that they can be handled again.
HANDLED_AGAIN = ("failed", "quarantined", "ignored")
# Whether a row can be asked for again: it has such an outcome, or no outcome and no parsed form.
AGAIN: LiteralString = (
    "(state IN ('fetched', 'failed', 'quarantined')"
    " OR state = 'done' AND outcome IS NOT DISTINCT FROM 'ignored')"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefetchCounts:
    """How many messages are asked for again, and the last problem with one of them.

    Those with a problem are counted by what they wait for, too.
    """

    # To be served now.
    due: int = 0
    # With a pause before the next attempt.
    later: int = 0
    # Until their accounts are enabled.
    held: int = 0
    # An attempt to fetch them has failed.
    with_problem: int = 0
    next_at: datetime | None = None
    last_problem: str = ""


async def request(
    connection: Connection,
    mail_ids: Sequence[str],
    *,
    requested_by: str,
    reason: str,
    now: datetime,
) -> int:
    """Asks for messages again, at once; a message that is asked for already becomes due.

    They are served in the order in which they arrived, those of an earlier call with the same time
    first.

    Only messages that are fetched, failed, quarantined or ignored can be asked for: the others are
    on their way, or had their effect. Returns how many became due by this call; those that were due
    already do not count, so that it may be repeated at any time.

    Once such a message is published again, its `incoming_mail.refetched_at` says when: a proof that
    goes by the age of `fetched_at` must go by the later of the two.
    """
    cursor = await connection.execute(
        "INSERT INTO refetch AS old (mail_id, mailbox, revision, requested_at, requested_by,"  # noqa: S608  Our own condition.
        "  reason, due_at)"
        " SELECT mail_id, mailbox, revision, %(now)s, %(by)s, %(reason)s, %(now)s"
        " FROM incoming_mail WHERE mail_id = ANY(%(mail_ids)s::uuid[])"
        "  AND " + AGAIN + " ORDER BY arrival NULLS FIRST, fetched_at, mail_id"
        " ON CONFLICT (mail_id) DO UPDATE SET revision = excluded.revision,"
        "  requested_at = excluded.requested_at, requested_by = excluded.requested_by,"
        "  reason = excluded.reason, due_at = excluded.due_at, only_in_mailbox = false,"
        "  held = false"
        " WHERE old.due_at > excluded.due_at OR old.held OR old.revision <> excluded.revision",
        {
            "mail_ids": list(mail_ids),
            "now": now,
            "by": storable(requested_by),
            "reason": storable(reason),
        },
    )
    return cursor.rowcount


async def note_order(
    connection: Connection,
    mail_ids: Sequence[str],
    *,
    ordered_by: str,
    as_handler: str,
    skips_what_held: bool,
    now: datetime,
) -> None:
    """Writes into the rows how the messages are to be handled when they are asked for again.

    What held a message before stays out of question; `skips_what_held` adds what holds it now. The
    form is that of `postrail.decision.release`.
    """
    await connection.execute(
        "WITH held AS MATERIALIZED (SELECT mail_id,"  # noqa: S608  Our own condition.
        "  coalesce(release -> 'skips', '[]') AS skips,"
        "  CASE WHEN %(skips)s THEN coalesce(trace ->> 'held_by', '') ELSE '' END AS held_by"
        " FROM incoming_mail WHERE mail_id = ANY(%(mail_ids)s::uuid[]) AND "
        + AGAIN
        + " ORDER BY mail_id FOR UPDATE)"
        " UPDATE incoming_mail AS mail SET release = jsonb_build_object("
        "  'by', %(by)s::text, 'at', %(at)s::text, 'as_handler', %(as_handler)s::text, 'skips',"
        "  CASE WHEN held_by = '' OR held.skips @> to_jsonb(held_by) THEN held.skips"
        "   ELSE held.skips || to_jsonb(held_by) END)"
        " FROM held WHERE mail.mail_id = held.mail_id",
        {
            "mail_ids": list(mail_ids),
            "skips": skips_what_held,
            "by": storable(ordered_by),
            "at": now.isoformat(),
            "as_handler": as_handler,
        },
    )


async def request_waiting(
    connection: Connection, mailboxes: Sequence[str], *, requested_by: str, now: datetime
) -> int:
    """Makes the requests of these mailboxes due that wait for a later time; returns their number.

    Those of disabled accounts go on waiting until the account is enabled.
    """
    cursor = await connection.execute(
        "UPDATE refetch SET due_at = %(now)s, requested_at = %(now)s, requested_by = %(by)s"
        " WHERE mailbox = ANY(%(mailboxes)s) AND due_at > %(now)s AND NOT held",
        {"now": now, "by": storable(requested_by), "mailboxes": list(mailboxes)},
    )
    return cursor.rowcount


async def request_found(
    connection: Connection,
    mail_ids: Sequence[str],
    *,
    requested_by: str,
    at_once: bool,
    now: datetime,
) -> int:
    """Asks for those of the messages that have failed without their bytes, but are in the mailbox.

    A message that is asked for already keeps its time, unless it is to be `at_once`. Returns how
    many became due.
    """
    cursor = await connection.execute(
        "INSERT INTO refetch AS old (mail_id, mailbox, revision, requested_at, requested_by,"
        "  reason, due_at, only_in_mailbox)"
        " SELECT mail_id, mailbox, revision, %(now)s, %(by)s, 'found in the mailbox', %(now)s, true"
        " FROM incoming_mail WHERE mail_id = ANY(%(mail_ids)s::uuid[])"
        "  AND state = 'failed' AND raw_offset IS NULL ORDER BY mail_id"
        " ON CONFLICT (mail_id) DO UPDATE SET requested_at = excluded.requested_at,"
        "  requested_by = excluded.requested_by, reason = excluded.reason,"
        "  due_at = excluded.due_at, held = false"
        " WHERE %(at_once)s AND (old.due_at > excluded.due_at OR old.held)",
        {
            "mail_ids": list(mail_ids),
            "by": storable(requested_by),
            "at_once": at_once,
            "now": now,
        },
    )
    return cursor.rowcount


async def park(connection: Connection, mail_id: str, *, until: datetime, now: datetime) -> None:
    """Has a message that its server did not deliver asked for again at a later time."""
    await connection.execute(
        "INSERT INTO refetch (mail_id, mailbox, revision, requested_at, requested_by, reason,"
        "  due_at, attempts, tried_at, problem, only_in_mailbox)"
        " SELECT mail_id, mailbox, revision, %s, 'fetcher', 'not delivered', %s, 1, handled_at,"
        "  reason, true"
        " FROM incoming_mail WHERE mail_id = %s AND state = 'failed' AND raw_offset IS NULL"
        " ON CONFLICT (mail_id) DO NOTHING",
        (now, until, mail_id),
    )


async def counts(connection: Connection, now: datetime) -> RefetchCounts:
    """Counts the requests by what they wait for."""
    (found,) = await rows_as(
        connection,
        RefetchCounts,
        "SELECT count(*) FILTER (WHERE NOT held AND due_at <= %(now)s) AS due,"
        " count(*) FILTER (WHERE NOT held AND due_at > %(now)s) AS later,"
        " count(*) FILTER (WHERE held) AS held,"
        " count(*) FILTER (WHERE problem <> '') AS with_problem,"
        " min(due_at) FILTER (WHERE NOT held AND due_at > %(now)s) AS next_at,"
        " coalesce((SELECT problem FROM refetch WHERE problem <> ''"
        "  ORDER BY tried_at DESC NULLS LAST, mail_id LIMIT 1), '') AS last_problem FROM refetch",
        {"now": now},
    )
    return found
