"""Whose database this is: the name of the one instance that works with it.

A copy of a production database, started elsewhere, would fetch and answer the same mails again.
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
    """Whose database it is; None before anybody has worked with it, or without our tables."""
    there = await one(connection, "SELECT to_regclass('instance') IS NOT NULL")
    found = await one(connection, "SELECT name, since FROM instance") if there == (True,) else None
    return Owner(name=found[0], since=found[1]) if found else None


async def claim(connection: Connection, name: str, now: datetime) -> None:
    """Writes the name down, unless somebody's is there."""
    await connection.execute(
        "INSERT INTO instance (name, since) VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, now]
    )


async def adopt(connection: Connection, name: str, now: datetime) -> Owner | None:
    """Makes the database that of another instance; returns whose it was."""
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
    """Raises ConfigurationError when the database is another instance's."""
    if found is not None and found.name != name:
        raise ConfigurationError(
            f"this database belongs to the instance {found.name!r} since"
            f" {found.since:%Y-%m-%d %H:%M} UTC, and this is the instance {name!r}",
            setting=SETTING,
            remedy=f"If this is a copy, or {found.name!r} works no more, take it over:"
            f" postrail instance adopt {name}. To look only, set POSTRAIL_OBSERVER=true",
        )


async def require_own(pool: Pool, name: str, now: datetime) -> None:
    """Writes the name down if it is the first one; raises ConfigurationError if it is another's."""
    async with transaction(pool) as connection:
        await claim(connection, name, now)
        require_same(await owner(connection), name)


async def migrate(settings: DatabaseSettings, name: str, now: datetime) -> list[str]:
    """Brings our own database to this release; raises ConfigurationError if it is another's."""
    async with database.one_connection(settings) as connection:
        require_same(await owner(connection), name)
    applied = await database.migrate(settings.url.get_secret_value())
    async with database.one_connection(settings) as connection:
        await claim(connection, name, now)
    return applied
