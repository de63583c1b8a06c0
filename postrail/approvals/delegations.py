"""Keeps who answers for whom, and from when to when; callers commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows, rows_as

DELEGATIONS: LiteralString = """
SELECT delegation_id, delegator, delegate, begins_at, ends_at, made_by, made_at, ended_at
FROM approval_delegation"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """A person who answers requests in the place of another for a time."""

    delegation_id: int
    # Their addresses, in lower case.
    delegator: str
    delegate: str
    begins_at: datetime
    # It does not hold at this time any more.
    ends_at: datetime
    # The address of the person; "" for the operator.
    made_by: str
    made_at: datetime
    # Somebody has ended it before its time.
    ended_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tells whether the delegate answers for the delegator at this time."""
        ended = self.ends_at if self.ended_at is None else min(self.ends_at, self.ended_at)
        return self.begins_at <= at < ended


async def add(
    connection: Connection,
    delegator: str,
    delegate: str,
    *,
    begins_at: datetime,
    ends_at: datetime,
    made_by: str,
    now: datetime,
) -> Delegation:
    """Lets a person answer for another; the two addresses differ, and the end is after the begin.

    One of the same two persons that has not been ended, and that these times meet, is made longer:
    the delegate's parts in requests belong to it.
    """
    given = [delegator.lower(), delegate.lower(), begins_at, ends_at]
    added = await rows(
        connection,
        "UPDATE approval_delegation SET begins_at = least(begins_at, %s),"
        " ends_at = greatest(ends_at, %s) WHERE delegation_id = (SELECT delegation_id"
        "  FROM approval_delegation WHERE delegator = %s AND delegate = %s AND ended_at IS NULL"
        "  AND begins_at <= %s AND ends_at >= %s ORDER BY delegation_id LIMIT 1)"
        " RETURNING delegation_id",
        [begins_at, ends_at, given[0], given[1], ends_at, begins_at],
    ) or await rows(
        connection,
        "INSERT INTO approval_delegation"
        " (delegator, delegate, begins_at, ends_at, made_by, made_at)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING delegation_id",
        [*given, made_by, now],
    )
    return (await by_id(connection, [added[0][0]]))[added[0][0]]


async def active(
    connection: Connection, delegators: Iterable[str], at: datetime
) -> list[Delegation]:
    """Returns the delegations of these persons that hold at this time, in their order."""
    return await rows_as(
        connection,
        Delegation,
        DELEGATIONS
        + " WHERE delegator = ANY(%b) AND begins_at <= %s AND least(ends_at, ended_at) > %s"
        " ORDER BY delegation_id",
        [sorted({address.lower() for address in delegators}), at, at],
    )


async def by_id(connection: Connection, delegation_ids: Iterable[int]) -> dict[int, Delegation]:
    """Returns delegations by their ids; ended ones, too."""
    found = await rows_as(
        connection,
        Delegation,
        DELEGATIONS + " WHERE delegation_id = ANY(%s::bigint[])",
        [sorted(set(delegation_ids))],
    )
    return {one.delegation_id: one for one in found}


async def end(connection: Connection, delegation_id: int, now: datetime) -> Delegation | None:
    """Ends a delegation, and returns it; None: there is none, or it has ended already."""
    changed = await connection.execute(
        "UPDATE approval_delegation SET ended_at = %s"
        " WHERE delegation_id = %s AND ended_at IS NULL AND ends_at > %s",
        [now, delegation_id, now],
    )
    if not changed.rowcount:
        return None
    return (await by_id(connection, [delegation_id]))[delegation_id]


async def listed(connection: Connection) -> list[Delegation]:
    """Returns all delegations, ended ones included, the newest last."""
    return await rows_as(
        connection,
        Delegation,
        DELEGATIONS + " ORDER BY delegation_id",
    )
