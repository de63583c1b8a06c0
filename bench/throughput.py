"""Measures the throughput from full mailboxes to notifications, and the cost of each process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.installation import Installation
from bench.usage import Usage

POLL_SECONDS = 0.5
# The run is over when no work is left and nothing has changed for this time.
QUIET_SECONDS = 2.0
LONGEST_SECONDS = 600.0
# Processes that have just started are not idle yet.
SETTLE_SECONDS = 3.0
IDLE_SECONDS = 4.0

COUNTS = """
    SELECT count(*), count(*) FILTER (WHERE state <> 'fetched'),
           count(*) FILTER (WHERE outcome IS NOT NULL),
           (SELECT count(*) FROM delivery WHERE state IN ('sent', 'failed', 'cancelled')),
           (SELECT count(*) FROM delivery), (SELECT count(*) FROM outbox)
    FROM incoming_mail
"""


@dataclass(frozen=True)
class Counts:
    """The number of messages that each stage has done, and what is left to send."""

    fetched: int
    parsed: int
    handled: int
    sent: int
    deliveries: int
    outbox: int

    def done(self, mails: int) -> bool:
        """Tells whether no work is visibly left."""
        return self.handled >= mails and self.sent == self.deliveries and not self.outbox


@dataclass(frozen=True)
class Throughput:
    """A run: when each stage finished (seconds from the first message), and the usage."""

    mails: int
    notifications: int
    seconds: dict[str, float]
    cpu_ms: dict[str, float]
    # CPU ms per second without messages.
    idle_ms: dict[str, float]
    peak_bytes: dict[str, int]
    outcomes: dict[str, int]

    @property
    def mails_per_second(self) -> float:
        """Returns the rate from the first message fetched to the last notification sent."""
        return self.mails / max(self.seconds.values())


class StalledError(RuntimeError):
    """The messages were not processed in time."""


def measure_throughput(
    installation: Installation, users: list[str], mails: int, say: Callable[[str], None]
) -> Throughput:
    """Lets the fetcher read the filled mailboxes, and waits until all work is done."""
    idle_ms = _idle(installation)
    before = installation.usage()
    begun = time.time()
    installation.configure_mailboxes(users)
    with installation.connect() as connection:
        ended, reached = _watch(installation, connection, mails, say)
        first = _one(connection, "SELECT extract(epoch FROM min(fetched_at)) FROM incoming_mail")
        outcomes = dict(
            connection.execute(
                "SELECT outcome, count(*) FROM incoming_mail GROUP BY 1 ORDER BY 2 DESC"
            ).fetchall()
        )
        notifications = int(_one(connection, "SELECT count(*) FROM delivery"))
    first = max(float(first), begun)
    return Throughput(
        mails=mails,
        notifications=notifications,
        seconds={stage: at - first for stage, at in reached.items()},
        cpu_ms={
            name: (usage.cpu_seconds - before[name].cpu_seconds) * 1000 / mails
            for name, usage in ended.items()
        },
        idle_ms=idle_ms,
        peak_bytes={name: usage.peak_bytes for name, usage in ended.items()},
        outcomes={str(name): count for name, count in outcomes.items()},
    )


def _idle(installation: Installation) -> dict[str, float]:
    """Measures the usage of all processes without work."""
    time.sleep(SETTLE_SECONDS)
    before = installation.usage()
    time.sleep(IDLE_SECONDS)
    return {
        name: (usage.cpu_seconds - before[name].cpu_seconds) * 1000 / IDLE_SECONDS
        for name, usage in installation.usage().items()
    }


def _watch(
    installation: Installation,
    connection: psycopg.Connection[Any],
    mails: int,
    say: Callable[[str], None],
) -> tuple[dict[str, Usage], dict[str, float]]:
    """Returns the usage at the last change, and the time of each stage's last change."""
    stages = ("fetched", "parsed", "handled", "sent")
    last = Counts(0, 0, 0, 0, 0, 0)
    reached: dict[str, float] = {}
    usage = installation.usage()
    deadline = time.monotonic() + LONGEST_SECONDS
    quiet_since = time.monotonic()
    while not (last.done(mails) and time.monotonic() - quiet_since > QUIET_SECONDS):
        time.sleep(POLL_SECONDS)
        counts = Counts(*_row(connection, COUNTS))
        if counts != last:
            now = time.time()
            reached |= {
                stage: now for stage in stages if getattr(counts, stage) != getattr(last, stage)
            }
            usage, quiet_since, last = installation.usage(), time.monotonic(), counts
            say(f"fetched {counts.fetched}, handled {counts.handled}, sent {counts.sent}")
        if time.monotonic() > deadline:
            raise StalledError(f"after {LONGEST_SECONDS:.0f} s: {counts}")
    return usage, reached


def _row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    return _row(connection, statement)[0]
