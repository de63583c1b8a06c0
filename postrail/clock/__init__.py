"""Tells the time; clocks are passed in as arguments, so that tests can set it.

Services take theirs from PostgreSQL, or from Kafka where they have no database: see `shared_clock`.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# On Linux the clock that goes on while the machine is suspended; elsewhere the one of Python.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time, measures durations and waits."""

    def now(self) -> datetime:
        """Returns the time in UTC."""

    def steady(self) -> float:
        """Returns the seconds since some moment in the past, by a clock that nobody can set.

        It goes on while the machine is suspended, unlike time.monotonic().
        """

    async def sleep(self, seconds: float) -> None:
        """Waits; a settable clock moves on by `seconds` and returns at once."""


def steady_seconds() -> float:
    """Returns what `Clock.steady` promises, as the machine tells it."""
    return time.clock_gettime(_STEADY)


class SystemClock:
    """Reads the machine's clock, which may be wrong and may be set while we run."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def steady(self) -> float:
        return steady_seconds()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SettableClock:
    """Stands still until it is moved; for tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def steady(self) -> float:
        return (self._now - EPOCH).total_seconds()

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.move(seconds)
        await asyncio.sleep(0)
