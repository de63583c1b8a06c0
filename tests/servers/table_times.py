"""Finds times in the tables that are not PostgreSQL's, of whatever clock they came from."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
from psycopg import sql

# Due times lie ahead, and a test takes its time.
TOLERANCE = timedelta(minutes=5)


def foreign_times(database_url: str, since: datetime) -> tuple[list[str], int]:
    """Returns the columns with times before `since` or ahead of now, and how many times there are.

    `since` is a time of PostgreSQL; both limits have the tolerance.
    """
    found, count = [], 0
    with psycopg.connect(database_url) as connection:
        for table, column in _columns(connection):
            query = sql.SQL(
                "SELECT count({time}), count({time}) FILTER (WHERE"
                " {time} NOT BETWEEN %s AND clock_timestamp() + %s) FROM {table}"
            ).format(time=sql.Identifier(column), table=sql.Identifier(table))
            row = connection.execute(query, [since - TOLERANCE, TOLERANCE]).fetchone()
            assert row is not None
            count += row[0]
            if row[1]:
                found.append(f"{table}.{column}")
    return found, count


def time_of(database_url: str) -> datetime:
    """Returns PostgreSQL's time."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def _columns(connection: psycopg.Connection[tuple[object, ...]]) -> list[tuple[str, str]]:
    """Returns the columns with times, but for that of a template's migrations."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'"
        "  AND table_name <> 'schema_migration'"
    ).fetchall()
    return [(str(table), str(column)) for table, column in rows]
