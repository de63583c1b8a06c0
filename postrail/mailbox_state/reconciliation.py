"""Comparisons of a mailbox's messages with the rows of incoming messages.

A comparison is a row from the moment it is requested: the fetcher that has the mailbox then makes
it, and resumes it after an interruption.
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
    """The figures of one round: messages held, those of them without a row, those fetched."""

    held: int
    unaccounted: int
    fetched: int
    finished: bool


FIELDS = tuple(field.name for field in fields(Reconciliation))
COLUMNS = ", ".join(FIELDS)


async def request(
    connection: Connection, mailbox: str, *, since: date | None, author: str, now: datetime
) -> int:
    """Requests a comparison; returns its id."""
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
    """Returns the comparison to make now: the oldest unfinished one, else a new one.

    A new one is made when none has finished within `every`.
    """
    await connection.execute(
        "INSERT INTO reconciliation (mailbox, requested_at, requested_by)"
        " SELECT %(mailbox)s, %(now)s, %(author)s WHERE NOT EXISTS ("
        "  SELECT FROM reconciliation WHERE mailbox = %(mailbox)s"
        "  AND (finished_at IS NULL OR finished_at > %(before)s))",
        {"mailbox": mailbox, "now": now, "author": BY_TIMER, "before": now - every},
    )
    found = await one(
        connection,
        f"SELECT {COLUMNS} FROM reconciliation WHERE mailbox = %s"  # noqa: S608  Our own column names.
        " AND finished_at IS NULL ORDER BY reconciliation_id LIMIT 1",
        (mailbox,),
    )
    return _reconciliation(found) if found else None


async def note(
    connection: Connection, reconciliation_id: int, found: Round, *, now: datetime
) -> None:
    """Adds the figures of one round; the first round sees all messages without a row."""
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
    """Returns the comparisons with these ids, in the order of their ids."""
    found = await rows(
        connection,
        f"SELECT {COLUMNS} FROM reconciliation"  # noqa: S608  Our own column names.
        " WHERE reconciliation_id = ANY(%s) ORDER BY 1",
        (list(ids),),
    )
    return [_reconciliation(row) for row in found]


def _reconciliation(row: Sequence[Any]) -> Reconciliation:
    return Reconciliation(**dict(zip(FIELDS, row, strict=True)))
