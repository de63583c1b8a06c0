"""Comparisons of what a mailbox holds with the rows of incoming_mail.

A comparison is a row from the moment it is asked for: whoever fetches from the mailbox then takes
it up, and takes it up again when it was cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from postrail.database import Connection, one, rows

BY_TIMER = "timer"
KEEP_FOR = timedelta(days=90)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """One comparison. Its figures are final when `finished_at` is set."""

    reconciliation_id: int
    mailbox: str
    # Backfill: how far back before the account's `only_after` the comparison goes.
    since: date | None
    requested_at: datetime
    requested_by: str
    finished_at: datetime | None
    held: int
    unaccounted: int
    fetched: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one look at the mailbox found: mails held, those that no row told of, those fetched."""

    held: int
    unaccounted: int
    fetched: int
    finished: bool


FIELDS = tuple(field.name for field in fields(Reconciliation))
COLUMNS = ", ".join(FIELDS)


async def request(
    connection: Connection, mailbox: str, *, since: date | None, author: str, now: datetime
) -> int:
    """Asks for a comparison; returns its id."""
    found = await one(
        connection,
        "INSERT INTO reconciliation (mailbox, since, requested_at, requested_by)"
        " VALUES (%s, %s, %s, %s) RETURNING reconciliation_id",
        (mailbox, since, now, author),
    )
    assert found is not None
    return int(found[0])


async def due(
    connection: Connection, mailbox: str, *, every: timedelta, now: datetime
) -> Reconciliation | None:
    """The comparison to make now: the oldest that is open, or a new one when it is time for it."""
    await connection.execute(
        "INSERT INTO reconciliation (mailbox, requested_at, requested_by)"
        " SELECT %(mailbox)s, %(now)s, %(author)s WHERE NOT EXISTS ("
        "  SELECT FROM reconciliation WHERE mailbox = %(mailbox)s"
        "  AND (finished_at IS NULL OR finished_at > %(before)s))",
        {"mailbox": mailbox, "now": now, "author": BY_TIMER, "before": now - every},
    )
    found = await one(
        connection,
        f"SELECT {COLUMNS} FROM reconciliation WHERE mailbox = %s"  # noqa: S608  Names of ours.
        " AND finished_at IS NULL ORDER BY reconciliation_id LIMIT 1",
        (mailbox,),
    )
    return _reconciliation(found) if found else None


async def note(
    connection: Connection, reconciliation_id: int, found: Round, *, now: datetime
) -> None:
    """Adds what one round of a comparison found. The first round saw all that was unaccounted."""
    finished_at = now if found.finished else None
    await connection.execute(
        "UPDATE reconciliation SET held = %(held)s, fetched = fetched + %(fetched)s,"
        " unaccounted = greatest(unaccounted, %(unaccounted)s), finished_at = %(finished_at)s"
        " WHERE reconciliation_id = %(id)s",
        {
            "id": reconciliation_id,
            "held": found.held,
            "unaccounted": found.unaccounted,
            "fetched": found.fetched,
            "finished_at": finished_at,
        },
    )
    if found.finished:
        await connection.execute(
            "DELETE FROM reconciliation WHERE finished_at < %s", (now - KEEP_FOR,)
        )


async def found_by_ids(connection: Connection, ids: Sequence[int]) -> list[Reconciliation]:
    """These comparisons, by id."""
    found = await rows(
        connection,
        f"SELECT {COLUMNS} FROM reconciliation"  # noqa: S608  Names of ours.
        " WHERE reconciliation_id = ANY(%s) ORDER BY 1",
        (list(ids),),
    )
    return [_reconciliation(row) for row in found]


async def known(connection: Connection, mail_ids: Sequence[str]) -> set[str]:
    """Which of these mails have a row in incoming_mail, whatever became of them."""
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail WHERE mail_id = ANY(%s::uuid[])",
        (list(mail_ids),),
    )
    return {mail_id for (mail_id,) in found}


def _reconciliation(row: Sequence[Any]) -> Reconciliation:
    return Reconciliation(**dict(zip(FIELDS, row, strict=True)))
