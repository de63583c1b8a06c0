"""Empty or migrated databases on a shared PostgreSQL server, each for one test."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from postrail import database
from postrail.database import Connection, Pool, one, transaction

TEMPLATE = "postrail_template"
# The longest time to wait for a transaction that waits for a lock.
LOCK_WAIT_SECONDS = 30


def url_of(admin_url: str, database: str) -> str:
    """Returns the URL of another database on the same server."""
    return urlunsplit(urlsplit(admin_url)._replace(path="/" + database))


def port_of(url: str) -> int:
    """Returns the TCP port that a URL names."""
    port = urlsplit(url).port
    assert port is not None, "the URL of a test server names its port"
    return port


def url_with_port(url: str, port: int) -> str:
    """Returns the URL of the same database behind another port of this machine."""
    parts = urlsplit(url)
    credentials, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))


def create_database(admin_url: str, *, template: str = "template1") -> str:
    """Makes a database with a random name; returns its URL."""
    name = f"test_{secrets.token_hex(8)}"
    _create(admin_url, name, template)
    return url_of(admin_url, name)


def drop_database(admin_url: str, database_url: str) -> None:
    """Drops the database, also while a forgotten connection still uses it."""
    name = urlsplit(database_url).path.removeprefix("/")
    _execute(
        admin_url,
        sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)),
    )


def migrated_template(
    admin_url: str, lock_file: Path, migrate: Callable[[str], Awaitable[object]]
) -> str:
    """Returns the name of a database with all migrations, which each test copies.

    The first caller of a run makes it.
    """
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(admin_url, TEMPLATE):
            unfinished = f"{TEMPLATE}_unfinished"
            drop_database(admin_url, url_of(admin_url, unfinished))
            _create(admin_url, unfinished, "template1")
            _run_elsewhere(migrate(url_of(admin_url, unfinished)))
            _rename(admin_url, unfinished, TEMPLATE)
    return TEMPLATE


def _run_elsewhere(work: Awaitable[object]) -> None:
    """Runs the coroutine to its end on the event loop of a new thread.

    A fixture may be set up while a test's event loop runs in this thread.
    """
    errors: list[BaseException] = []

    async def to_the_end() -> None:
        await work

    def run() -> None:
        try:
            asyncio.run(to_the_end())
        except BaseException as error:  # noqa: BLE001  Raised again in the caller's thread.
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _create(admin_url: str, name: str, template: str) -> None:
    statement = sql.SQL("create database {} template {}")
    _execute(admin_url, statement.format(sql.Identifier(name), sql.Identifier(template)))


def _rename(admin_url: str, name: str, new_name: str) -> None:
    statement = sql.SQL("alter database {} rename to {}")
    _execute(admin_url, statement.format(sql.Identifier(name), sql.Identifier(new_name)))


def _exists(admin_url: str, name: str) -> bool:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        query = "select 1 from pg_database where datname = %s"
        return connection.execute(query, (name,)).fetchone() is not None


def _execute(admin_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(statement)


async def migrate_filled(url: str, number: int, statements: str) -> list[str]:
    """Migrates a database that is filled before the migration with this number.

    Returns the names of that migration and of those after it.
    """
    files = database.migration_files()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migration_files", lambda: files[: _place(files, number)])
        await database.migrate(url)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(statements.encode())
    return await database.migrate(url)


def _place(files: Sequence[tuple[int, str, str]], number: int) -> int:
    return [one for one, _, _ in files].index(number)


async def until_lock_waits(connection: Connection, number: int = 1) -> None:
    """Waits until at least this number of transactions wait for a lock.

    Those of other databases do not count: other tests use the same server.
    """
    async with asyncio.timeout(LOCK_WAIT_SECONDS):
        while True:
            if await _waiting(connection) >= number:
                return
            await asyncio.sleep(0.02)


async def until_lock_waits_in(pool: Pool, number: int = 1) -> None:
    """Does the same on a connection of the pool."""
    async with transaction(pool) as connection:
        await until_lock_waits(connection, number)


async def _waiting(connection: Connection) -> int:
    # Within a transaction, PostgreSQL would show the same activity again and again.
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    found = await one(
        connection,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'",
    )
    assert found is not None
    return int(found[0])
