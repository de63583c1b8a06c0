"""Empty or migrated databases on a shared PostgreSQL server, each for one test."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

TEMPLATE = "postrail_template"


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
