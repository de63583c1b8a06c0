"""The name of the one instance that may work with a database.

Owns the tables: instance.

A copy of a production database, started elsewhere, would fetch and answer the same messages again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail import database
from postrail.database import Connection, Pool, one, transaction
from postrail.errors import ConfigurationError
from postrail.settings import DatabaseSettings

SETTING = "POSTRAIL_INSTANCE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The instance that the database belongs to."""

    name: str
    since: datetime


async def owner(connection: Connection) -> Owner | None:
    """Returns the owner; None before the first service has started, or without our tables."""
    there = await one(connection, "SELECT to_regclass('instance') IS NOT NULL")
    found = await one(connection, "SELECT name, since FROM instance") if there == (True,) else None
    return Owner(name=found[0], since=found[1]) if found else None


async def claim(connection: Connection, name: str, now: datetime) -> None:
    """Stores the name as the owner, unless there is one."""
    await connection.execute(
        "INSERT INTO instance (name, since) VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, now]
    )


async def adopt(connection: Connection, name: str, now: datetime) -> Owner | None:
    """Makes this instance the owner; returns the previous one."""
    if await one(connection, "SELECT to_regclass('instance')") == (None,):
        raise ConfigurationError("the database lacks our tables", remedy="Run: postrail migrate")
    before = await owner(connection)
    await connection.execute(
        "INSERT INTO instance (name, since) VALUES (%s, %s)"
        " ON CONFLICT (only_one) DO UPDATE SET name = excluded.name, since = excluded.since"
        " WHERE instance.name <> excluded.name",
        [name, now],
    )
    return before


def require_same(found: Owner | None, name: str) -> None:
    """Raises ConfigurationError when the database belongs to another instance."""
    if found is not None and found.name != name:
        raise ConfigurationError(
            f"this database belongs to the instance {found.name!r} since"
            f" {found.since:%Y-%m-%d %H:%M} UTC, and this is the instance {name!r}",
            setting=SETTING,
            remedy=f"If this is a copy, or {found.name!r} has been shut down, take it over:"
            f" postrail instance adopt {name}. To only look at it, set POSTRAIL_OBSERVER=true",
        )


async def require_own(pool: Pool, name: str, now: datetime) -> None:
    """Claims a database without owner; raises ConfigurationError when another instance owns it."""
    async with transaction(pool) as connection:
        await claim(connection, name, now)
        require_same(await owner(connection), name)


async def migrate(settings: DatabaseSettings, name: str, now: datetime) -> list[str]:
    """Migrates our own database; raises ConfigurationError when another instance owns it."""
    async with database.one_connection(settings) as connection:
        require_same(await owner(connection), name)
    applied = await database.migrate(settings.url.get_secret_value())
    async with database.one_connection(settings) as connection:
        await claim(connection, name, now)
    return applied
