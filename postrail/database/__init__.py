"""PostgreSQL: connections and transactions, and the migrations; its errors are in `faults`.

Owns the tables: schema_migration.

psycopg's asynchronous interface is used throughout: `async with transaction(pool) as connection`.
Lists of bytes and of longer texts are passed as `%b`: with `%s` psycopg sends them as text in which
each special byte is escaped, which takes 1 ms for a message of 5 KiB.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib import resources
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, class_row
from psycopg_pool import AsyncConnectionPool

from postrail.database.faults import database_faults
from postrail.errors import ConfigurationError
from postrail.settings import DatabaseSettings

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]
# Opens a transaction: on a connection of its own, or on one of a pool.
Transactions = Callable[[], AbstractAsyncContextManager[Connection]]

Row = TypeVar("Row")

# A process that is frozen in a transaction (by SIGSTOP, or with its machine) would hold its locks,
# and thereby stop the other processes, until it wakes up; PostgreSQL ends the transaction instead.
IDLE_IN_TRANSACTION_SECONDS = 20.0
# For this time a pool tries to connect, with growing pauses; then it starts over at the next
# request. By default the pauses grow for five minutes, so that the work would go on minutes after
# PostgreSQL has come back.
RECONNECT_SECONDS = 5.0
# A server whose machine has failed sends no error; after this time without an answer it counts as
# unavailable.
SILENT_SECONDS = 30
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": SILENT_SECONDS // 3,
    "keepalives_interval": SILENT_SECONDS // 6,
    "keepalives_count": 4,
    "tcp_user_timeout": SILENT_SECONDS * 1000,
}
# The same for PostgreSQL's side: it must notice that a client has gone, whose session may hold a
# lock that the client waits for after it has connected again.
SERVER_KEEPALIVES = {
    "tcp_keepalives_idle": SILENT_SECONDS // 3,
    "tcp_keepalives_interval": SILENT_SECONDS // 6,
    "tcp_keepalives_count": 4,
    "tcp_user_timeout": SILENT_SECONDS * 1000,
}
# An arbitrary number, which must be the same in all releases.
MIGRATION_LOCK = 0x706F737472
MIGRATION_LOCK_POLL_SECONDS = 0.2
# The first words of a migration whose statements are transactions of their own, such as CREATE
# INDEX CONCURRENTLY. When it is killed in between, it is run again from its beginning.
OUTSIDE_OF_A_TRANSACTION = "-- outside of a transaction"


async def open_pool(settings: DatabaseSettings) -> Pool:
    """Opens a pool; raises TransientError when it cannot connect within the time limit."""
    idle_milliseconds = int(IDLE_IN_TRANSACTION_SECONDS * 1000)
    options = f"{_options(settings)} -c idle_in_transaction_session_timeout={idle_milliseconds}"
    pool: Pool = AsyncConnectionPool(
        _checked(settings.url.get_secret_value()),
        min_size=1,
        max_size=settings.pool_max_size,
        timeout=settings.connect_timeout_seconds,
        reconnect_timeout=RECONNECT_SECONDS,
        kwargs={
            "options": options,
            "connect_timeout": int(settings.connect_timeout_seconds) or 1,
            **KEEPALIVES,
        },
        open=False,
    )
    try:
        with database_faults():
            await pool.open(wait=True, timeout=settings.connect_timeout_seconds)
    except BaseException:
        await pool.close()
        raise
    return pool


@contextlib.asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Runs the block in a transaction on a pooled connection; raises as `database_faults` does."""
    with database_faults():
        async with pool.connection() as connection, connection.transaction():
            yield connection


@contextlib.asynccontextmanager
async def part_of(connection: Connection) -> AsyncIterator[Connection]:
    """Runs the block as a part of the connection's transaction; a part that fails is undone alone.

    Raises as `transaction` does.
    """
    with database_faults():
        async with connection.transaction():
            yield connection


@contextlib.asynccontextmanager
async def autocommit(pool: Pool) -> AsyncIterator[Connection]:
    """Runs each statement of the block as a transaction of its own; raises as `transaction` does.

    One statement is one round trip to PostgreSQL, and with `transaction` three.
    """
    with database_faults():
        async with pool.connection() as connection:
            await connection.set_autocommit(True)
            try:
                yield connection
            finally:
                # The pool replaces a connection that broke, or that is still at work.
                if connection.info.transaction_status is TransactionStatus.IDLE:
                    await connection.set_autocommit(False)


@contextlib.asynccontextmanager
async def one_connection(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """Runs the block in a transaction on a new connection, for commands: it fails at once."""
    with database_faults():
        connecting = psycopg.AsyncConnection.connect(
            _checked(settings.url.get_secret_value()),
            connect_timeout=int(settings.connect_timeout_seconds) or 1,
            options=_options(settings),
        )
        async with await connecting as connection, connection.transaction():
            yield connection


async def connect(settings: DatabaseSettings) -> Connection:
    """Opens a connection of its own, on which each statement is a transaction.

    The caller closes it. Raises as `database_faults` does.
    """
    with database_faults():
        return await psycopg.AsyncConnection.connect(
            _checked(settings.url.get_secret_value()),
            autocommit=True,
            connect_timeout=int(settings.connect_timeout_seconds) or 1,
            options=_options(settings),
            **KEEPALIVES,
        )


def _checked(url: str) -> str:
    """Returns a valid URL; raises ConfigurationError without showing it, as it has the password."""
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "the URL of PostgreSQL is not valid",
            setting="POSTRAIL_DATABASE__URL",
            remedy="Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE, and in the password"
            " write space, %, @, : and / as %20, %25, %40, %3A and %2F",
        ) from None
    return url


def _options(settings: DatabaseSettings) -> str:
    """Returns the options of each session."""
    options = {
        "statement_timeout": int(settings.statement_timeout_seconds * 1000),
        # Times that are read have this zone: their days are those that we wrote.
        "timezone": "UTC",
        **SERVER_KEEPALIVES,
    }
    if settings.read_only:
        options["default_transaction_read_only"] = "on"
    return " ".join(f"-c {name}={value}" for name, value in options.items())


def migration_files() -> list[tuple[int, str, str]]:
    """Returns number, name and text of each migration of this release, in order."""
    folder = resources.files("postrail") / "sql" / "migrations"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name[:4]), name, (folder / name).read_text("utf-8")) for name in names]


async def migrate(url: str) -> list[str]:
    """Applies the missing migrations, under a lock, and returns their names.

    Each is a transaction of its own, so that a long one holds no locks of those before it; those
    that build indexes on filled tables are several.
    """
    with database_faults():
        async with await psycopg.AsyncConnection.connect(
            _checked(url), autocommit=True
        ) as connection:
            await _lock_migrations(connection)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_migration ("
                "number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )
            applied = await _applied(connection)
            due = [file for file in migration_files() if _due(file, applied)]
            return [await _apply(connection, *file) for file in due]


async def _lock_migrations(connection: Connection) -> None:
    """Waits until no other process migrates this database.

    By repeated attempts: a statement that waits for the lock has a snapshot, and CREATE INDEX
    CONCURRENTLY of the process that holds the lock would wait for its end.
    """
    while True:
        found = await one(connection, "SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
        if found and found[0]:
            return
        await asyncio.sleep(MIGRATION_LOCK_POLL_SECONDS)


def _due(file: tuple[int, str, str], applied: dict[int, str]) -> bool:
    number, name, text = file
    if number not in applied:
        return True
    if applied[number] != _sha256(text):
        raise ConfigurationError(
            f"migration {name} was applied with another content",
            remedy="Run the release that migrated this database, or restore the file",
        )
    return False


async def _apply(connection: Connection, number: int, name: str, text: str) -> str:
    if text.startswith(OUTSIDE_OF_A_TRANSACTION):
        for statement in _statements(text):
            await connection.execute(statement.encode())
        await _record(connection, number, name, text)
        return name
    async with connection.transaction():
        await connection.execute(text.encode())
        await _record(connection, number, name, text)
    return name


def _statements(text: str) -> list[str]:
    """Returns the statements of a migration whose statements each end a line."""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [one for one in re.split(r";$", "\n".join(lines), flags=re.MULTILINE) if one.strip()]


async def _record(connection: Connection, number: int, name: str, text: str) -> None:
    await connection.execute(
        "INSERT INTO schema_migration (number, name, sha256) VALUES (%s, %s, %s)",
        [number, name, _sha256(text)],
    )


async def _applied(connection: Connection) -> dict[int, str]:
    cursor = await connection.execute("SELECT number, sha256 FROM schema_migration")
    return dict(await cursor.fetchall())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def missing_migrations(connection: Connection) -> list[str]:
    """Returns the names of this release's migrations that are not applied yet."""
    cursor = await connection.execute("SELECT to_regclass('schema_migration') IS NOT NULL")
    row = await cursor.fetchone()
    applied = await _applied(connection) if row and row[0] else {}
    return [name for number, name, _ in migration_files() if number not in applied]


async def require_current_schema(connection: Connection) -> None:
    """Raises ConfigurationError when the database lacks a migration of this release."""
    missing = await missing_migrations(connection)
    if missing:
        raise ConfigurationError(
            f"the database lacks {', '.join(missing)}", remedy="Run: postrail migrate"
        )


async def one(connection: Connection, statement: str, parameters: Any = None) -> TupleRow | None:
    """Returns the first row of a query, or None."""
    cursor = await connection.execute(statement.encode(), parameters)
    return await cursor.fetchone()


async def rows(
    connection: Connection, statement: str, parameters: Any = None, *, binary: bool = False
) -> list[TupleRow]:
    """Returns all rows of a query.

    With `binary`, the server sends bytes unchanged; otherwise as hexadecimal digits.
    """
    cursor = await connection.execute(statement.encode(), parameters, binary=binary)
    return await cursor.fetchall()


async def rows_as(
    connection: Connection,
    row_type: type[Row],
    statement: str,
    parameters: Any = None,
    *,
    binary: bool = False,
) -> list[Row]:
    """Returns all rows of a query as instances of a class that has a field for each column.

    `binary` is as in `rows`.
    """
    async with connection.cursor(row_factory=class_row(row_type), binary=binary) as cursor:
        await cursor.execute(statement.encode(), parameters)
        return await cursor.fetchall()


def storable(text: str) -> str:
    """Returns the text as PostgreSQL's type text can store it.

    NUL is removed, and "?" replaces lone surrogates: bytes of a terminal that are not UTF-8.
    """
    return text.replace("\0", "").encode(errors="replace").decode()


def stored_as_they_are(texts: Iterable[str]) -> list[str]:
    """Returns those of the texts that may be stored somewhere, each once and in order."""
    return sorted({text for text in texts if storable(text) == text})
