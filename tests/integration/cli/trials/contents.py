"""The contents of all tables, to show that a command has changed none."""

from __future__ import annotations

import asyncio

from postrail.database import one_connection, rows
from postrail.settings import Settings


def contents_of_tables(settings: Settings) -> dict[str, list[str]]:
    """Returns the rows of each table, sequences included, as text."""
    return asyncio.run(_contents(settings))


async def _contents(settings: Settings) -> dict[str, list[str]]:
    found = {}
    async with one_connection(settings.database) as connection:
        for (name,) in await rows(
            connection,
            "SELECT quote_ident(relname) FROM pg_class JOIN pg_namespace AS space"
            " ON space.oid = relnamespace WHERE relkind IN ('r', 'S') AND nspname = 'public'",
        ):
            lines = await rows(connection, f"SELECT row(content.*)::text FROM {name} AS content")
            found[name] = sorted(line for (line,) in lines)
    return found
