"""Sets timers, and takes those that are due; callers pass the time and the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from postrail.database import Connection, rows_as, storable

# A timer that is due for longer is overdue: its service does not run, or has too much to do.
LATE = timedelta(minutes=5)


class TimerKind(StrEnum):
    """What is to be done."""

    # Sends the events of an issue that wait; the handler does it.
    BUNDLE = "bundle"
    # Sends a person's digest of a day; the handler does it.
    DIGEST = "digest"
    # Checks whether a message about an issue reaches anybody; the sender does it.
    UNREACHED = "unreached"
    # Tells people that an issue's limit holds its notifications; the sender does it.
    HELD = "held"
    # Reminds the approvers of a request who have not answered; the handler does it.
    APPROVAL_REMINDER = "approval_reminder"
    # Does what the deadline of a request means; the handler does it.
    APPROVAL_DEADLINE = "approval_deadline"
    # Does on the issue of a closed request what follows from it; the handler does it.
    APPROVAL_FOLLOW = "approval_follow"
    # Asks a delegate about open requests when a delegation begins; the handler does it.
    APPROVAL_DELEGATION = "approval_delegation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timer:
    """A piece of timed work whose row the caller's transaction holds."""

    kind: TimerKind
    key: str
    due_at: datetime
    # How often it has failed.
    failures: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """The timers of a kind that have failed, or that nobody has worked in time."""

    kind: str
    count: int
    # Of the one that has failed most often.
    key: str
    failures: int
    reason: str


async def schedule(connection: Connection, kind: TimerKind, due_at: Mapping[str, datetime]) -> None:
    """Sets timers, by their keys; one that exists stays as it is.

    Waits for nobody who works on one of them: so the caller may hold locks that the work takes.
    """
    if not due_at:
        return
    await connection.execute(
        "INSERT INTO timer (kind, key, due_at)"
        " SELECT %s, key, due_at FROM unnest(%b::text[], %s::timestamptz[]) AS given(key, due_at)"
        # In one order: two processes that set the same timers never wait for each other.
        " ORDER BY key ON CONFLICT DO NOTHING",
        [kind, list(due_at), list(due_at.values())],
    )


async def take_due(connection: Connection, kind: TimerKind, now: datetime) -> Timer | None:
    """Takes the timer of this kind that is due first; None if there is none.

    Other processes pass over it until the transaction ends.
    """
    found = await rows_as(
        connection,
        Timer,
        "SELECT kind, key, due_at, failures FROM timer WHERE kind = %s AND due_at <= %s"
        " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
        [kind, now],
    )
    return found[0] if found else None


async def overdue(connection: Connection, now: datetime) -> list[Overdue]:
    """Returns the timers that have failed, or are late by minutes, by kind."""
    return await rows_as(
        connection,
        Overdue,
        "SELECT DISTINCT ON (kind) kind, count(*) OVER (PARTITION BY kind) AS count, key, failures,"
        " reason FROM timer WHERE failures > 0 OR due_at < %s"
        " ORDER BY kind, failures DESC, due_at, key",
        [now - LATE],
    )


async def remove(connection: Connection, timer: Timer) -> None:
    """Removes a timer in the transaction that has done its work, unless the work has moved it.

    It is the last statement: whoever sets the same timer then waits for the end of the transaction.
    """
    await connection.execute(
        "DELETE FROM timer WHERE kind = %s AND key = %s AND due_at = %s",
        [timer.kind, timer.key, timer.due_at],
    )


async def move(connection: Connection, timer: Timer, due_at: datetime) -> None:
    """Lets the timer be due once more, at another time; for the work of the timer."""
    await connection.execute(
        "UPDATE timer SET due_at = %s, failures = 0, reason = '' WHERE kind = %s AND key = %s",
        [due_at, timer.kind, timer.key],
    )


async def postpone(connection: Connection, timer: Timer, until: datetime, reason: str) -> None:
    """Lets a timer whose work has failed wait; the others go on."""
    await connection.execute(
        "UPDATE timer SET due_at = %s, failures = failures + 1, reason = %s"
        " WHERE kind = %s AND key = %s AND due_at = %s",
        [until, storable(reason), timer.kind, timer.key, timer.due_at],
    )
