"""Takes addresses out of use that bounce, and back into use: what is written to them is held.

A suppressed address is one that a bounce, a complaint, or a refusal of the mail server took out of
use, until a person releases it. Its deliveries are held with a reply that begins with `SUPPRESSED`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.database import Connection, rows, storable
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind

# Begins the reply of each delivery that is held for this cause.
SUPPRESSED = "Not written to this address: "


async def lock(connection: Connection, addresses: Collection[str]) -> None:
    """Waits until no other process counts the bounces of these addresses.

    Taken in one order, and until this transaction ends: two replicas never count past each other.
    """
    if not addresses:
        return
    await connection.execute(
        "SELECT pg_advisory_xact_lock(number) FROM ("
        " SELECT DISTINCT hashtextextended('suppression ' || lower(address), 0) AS number"
        " FROM unnest(%b::text[]) AS address ORDER BY number) AS sorted",
        [sorted(addresses)],
    )


async def suppress(
    connection: Connection, address: str, reason: str, mail_id: str | None, now: datetime
) -> None:
    """Takes an address out of use, and holds what waits to be sent to it.

    One that is suppressed already keeps its first reason. `mail_id` is the message that reported
    it, None for the mail server's own refusal.
    """
    await connection.execute(
        "INSERT INTO suppression AS present (address, reason, mail_id, since)"
        " VALUES (lower(%s), %s, %s, %s) ON CONFLICT (address) DO UPDATE SET"
        "  reason = excluded.reason, mail_id = excluded.mail_id, since = excluded.since,"
        "  released_at = NULL, released_by = '' WHERE present.released_at IS NOT NULL",
        [address, storable(reason), mail_id, now],
    )
    await hold(connection, now, address=address)


async def hold(connection: Connection, now: datetime, *, address: str | None = None) -> int:
    """Holds what waits to be sent to a suppressed address, or to any; returns their number.

    Another transaction may have stored a delivery while its address was being suppressed, and a
    sender may have ended before it sent one: the queue passes both over.
    """
    held = await rows(
        connection,
        "UPDATE delivery SET state = 'held', changed_at = %(now)s,"
        "  reply = %(suppressed)s || suppression.reason"
        " FROM suppression WHERE released_at IS NULL AND lower(recipient) = suppression.address"
        " AND (%(address)s::text IS NULL OR suppression.address = lower(%(address)s))"
        # As the index `delivery_unsent_to` has it.
        " AND state IN ('queued', 'deferred', 'sending')"
        " AND (state <> 'sending' OR claim_until < now() AND NOT begun)"
        " RETURNING outgoing_id::text, issue_id",
        {"now": now, "suppressed": SUPPRESSED, "address": address},
    )
    await check_reach(connection, [row[0] for row in held if row[1] is not None], now)
    return len(held)


async def check_reach(connection: Connection, outgoing_ids: Collection[str], now: datetime) -> None:
    """Has the sender check whether these messages about issues reach anybody, after the commit.

    See `postrail.outgoing.alerts.unreached`.
    """
    await timers.schedule(connection, TimerKind.UNREACHED, dict.fromkeys(outgoing_ids, now))


async def suppressed(connection: Connection, addresses: Collection[str]) -> list[str]:
    """Returns those of the addresses that are suppressed, as they are given."""
    found = await rows(
        connection,
        "SELECT given FROM unnest(%b::text[]) AS given JOIN suppression"
        " ON suppression.address = lower(given) WHERE released_at IS NULL ORDER BY given",
        [list(addresses)],
    )
    return [row[0] for row in found]


async def release(connection: Connection, address: str, by: str, now: datetime) -> bool:
    """Takes an address back into use; returns False if it was not suppressed.

    What waits for it is held until then, and stays held.
    """
    await hold(connection, now, address=address)
    cursor = await connection.execute(
        "UPDATE suppression SET released_at = %s, released_by = %s"
        " WHERE address = lower(%s) AND released_at IS NULL",
        [now, by, address],
    )
    return bool(cursor.rowcount)
