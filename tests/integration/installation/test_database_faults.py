"""Real errors of PostgreSQL, by kind: each means something else for the message in work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from postrail import database
from postrail.database import Pool, open_pool, transaction
from postrail.database.faults import DatabaseUnavailable, Kind, kind_of
from postrail.errors import InstallationFault, LimitExceeded, TransientError
from postrail.settings import DatabaseSettings

# Statements that fail, with the code that PostgreSQL gives, the kind, and a word of the remedy.
FAILING = [
    ("SELECT 1 FROM not_there", "42P01", InstallationFault, "postrail doctor"),
    ("SELECT not_there FROM instance", "42703", InstallationFault, "postrail doctor"),
    ("SELECT not_there(1)", "42883", InstallationFault, "postrail doctor"),
    ("SET ROLE pg_monitor; SELECT 1 FROM comment", "42501", InstallationFault, "Grant the user"),
    (
        "SET TRANSACTION READ ONLY; DELETE FROM comment",
        "25006",
        InstallationFault,
        "POSTRAIL_OBSERVER",
    ),
    (
        "SET LOCAL temp_file_limit = '64kB'; SET LOCAL work_mem = '64kB';"
        " SELECT count(*) FROM (SELECT n FROM generate_series(1, 1000000) AS n ORDER BY -n) AS s",
        "53400",
        InstallationFault,
        "Raise the limit",
    ),
    ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)", "57014", LimitExceeded, "TIMEOUT"),
    ("SELECT repeat('x', 1000000000) || repeat('x', 1000000000)", "XX000", LimitExceeded, "larger"),
    (
        "INSERT INTO person (address)"
        " SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) AS n",
        "54000",
        LimitExceeded,
        "larger",
    ),
    ("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", "53100", InstallationFault, "Free space"),
    ("DO $$ BEGIN RAISE SQLSTATE '53200'; END $$", "53200", InstallationFault, "memory"),
    ("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", "53300", InstallationFault, "POOL_MAX_SIZE"),
    ("DO $$ BEGIN RAISE SQLSTATE '58030'; END $$", "58030", InstallationFault, "log"),
    ("DO $$ BEGIN RAISE SQLSTATE 'XX001'; END $$", "XX001", InstallationFault, "log"),
    ("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", "40001", DatabaseUnavailable, "Check that"),
    ("LOCK TABLE attachment NOWAIT", "55P03", DatabaseUnavailable, "Check that"),
    ("SELECT pg_terminate_backend(pg_backend_pid())", "57P01", DatabaseUnavailable, "Check that"),
]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    yield opened
    await opened.close()


async def run(pool: Pool, statements: list[str]) -> None:
    """Runs the statements in a transaction while another one holds a table."""
    async with transaction(pool) as other, transaction(pool) as connection:
        await other.execute("LOCK TABLE attachment")
        for statement in statements:
            await connection.execute(statement.encode())


@pytest.mark.parametrize(("statements", "code", "fault", "remedy"), FAILING)
async def test_an_error_becomes_the_fault_that_its_code_means(
    pool: Pool, statements: str, code: str, fault: type[TransientError], remedy: str
) -> None:
    with pytest.raises(fault) as raised:
        await run(pool, statements.split("; ") if "$$" not in statements else [statements])
    assert type(raised.value) is fault
    assert remedy in str(raised.value)
    cause = raised.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.sqlstate == code


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO instance (since) VALUES (now())", psycopg.errors.NotNullViolation),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("SELECT 'x'::int", psycopg.errors.InvalidTextRepresentation),
    ],
)
async def test_wrong_data_stays_the_fault_of_the_message(
    pool: Pool, statement: str, error: type[psycopg.Error]
) -> None:
    with pytest.raises(error) as raised:
        async with transaction(pool) as connection:
            await connection.execute(statement.encode())
    assert kind_of(raised.value) is Kind.OURS


async def test_a_pause_within_a_transaction_is_a_limit(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_SECONDS", 0.2)
    pool = await open_pool(DatabaseSettings.model_validate({"url": database_url}))

    async def pause() -> None:
        async with transaction(pool) as connection:
            await connection.execute("SELECT 1")
            await asyncio.sleep(1)
            await connection.execute("SELECT 1")

    try:
        with pytest.raises(LimitExceeded, match="idle-in-transaction"):
            await pause()
    finally:
        await pool.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    settings = {"url": "postgresql://postrail@127.0.0.1:1/x", "connect_timeout_seconds": 1}
    with pytest.raises(DatabaseUnavailable):
        await database.connect(DatabaseSettings.model_validate(settings))
