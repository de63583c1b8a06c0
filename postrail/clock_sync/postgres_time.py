"""Reads the clock of PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from postrail.clock import steady_seconds
from postrail.clock.samples import Sample
from postrail.clock.shared_clock import SharedClock
from postrail.database import Connection, Pool, one, transaction

POSTGRESQL = "PostgreSQL"


async def pooled_sample(pool: Pool) -> Sample:
    """Reads PostgreSQL's clock once; raises TransientError while it is unavailable."""
    async with transaction(pool) as connection:
        return await sample_of(connection)


async def sample_of(connection: Connection) -> Sample:
    """Reads PostgreSQL's clock once, on a connection that is open."""
    sent = steady_seconds()
    row = await one(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
    received = steady_seconds()
    assert row is not None
    return Sample(sent, received, row[0])


async def time_of(connection: Connection) -> datetime:
    """Returns PostgreSQL's time in UTC, for a command that writes it once."""
    return (await clock_of(connection)).now()


async def clock_of(connection: Connection) -> SharedClock:
    """Returns a clock that tells PostgreSQL's time, for as long as a command takes."""
    clock = SharedClock()
    clock.restart((await sample_of(connection)).offset)
    return clock
