"""PostgreSQL: a frozen process does not block the others; migrations keep what is stored."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg
import pytest

from postrail import database
from postrail.configuration.load import mail_accounts
from postrail.database import (
    Pool,
    autocommit,
    migrate,
    migration_files,
    one,
    one_connection,
    open_pool,
    rows,
    transaction,
)
from postrail.embedded.postgres import Postgres
from postrail.errors import TransientError
from postrail.settings import DatabaseSettings
from tests.servers.databases import migrate_filled

WITH_A_COMMENT = """
INSERT INTO project (project_key, name, default_issue_type) VALUES ('KEY', 'n', 't');
INSERT INTO mail_account (name, protocol, host, port, encryption, username, password, folder,
    address, project_key, poll_seconds, idle, timeout_seconds)
    VALUES ('a', 'imap', 'h', 1, 'none', 'u', 'p', 'INBOX', 'a@example.org', 'KEY', 1, true, 1);
INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,
    reporter_address, conversation, created_at, changed_at)
    VALUES ('KEY-1', 'KEY', 1, 't', 's', 'd', 'a@example.org', gen_random_uuid(), now(), now());
INSERT INTO comment (issue_key, author_address, body, created_at)
    VALUES ('KEY-1', 'a@example.org', 'whole', now());
"""


async def test_a_frozen_process_does_not_keep_its_locks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_SECONDS", 0.5)
    pool = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    lock = "SELECT pg_advisory_xact_lock(1)"

    async def freeze() -> None:
        async with transaction(pool) as frozen:
            await frozen.execute(lock)
            async with asyncio.timeout(10), transaction(pool) as other:
                await other.execute(lock)
            await frozen.execute(lock)

    try:
        with pytest.raises(TransientError):
            await freeze()
        async with transaction(pool) as afterwards:
            await afterwards.execute(lock)
    finally:
        await pool.close()


async def undone(pool: Pool) -> None:
    """Runs a transaction that fails after its first statement."""
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO kept VALUES (1)")
        await connection.execute("SELECT 1/0")


@pytest.mark.parametrize(
    "fault",
    ["SELECT 1", "SELECT 1/0", "SELECT pg_terminate_backend(pg_backend_pid())"],
    ids=["none", "statement", "session"],
)
async def test_after_lone_statements_the_pool_has_transactions_again(
    database_url: str, fault: str
) -> None:
    settings = {"url": database_url, "pool_max_size": 1}
    pool = await open_pool(DatabaseSettings.model_validate(settings))
    try:
        with contextlib.suppress(TransientError, psycopg.DataError):
            async with autocommit(pool) as connection:
                await connection.execute("CREATE TABLE kept (number integer)")
                await connection.execute(fault)
        with pytest.raises(psycopg.DataError):
            await undone(pool)
        async with transaction(pool) as connection:
            assert await rows(connection, "SELECT * FROM kept") == []
            assert not connection.autocommit
    finally:
        await pool.close()


async def test_a_cancelled_statement_leaves_the_pool_usable(database_url: str) -> None:
    settings = {"url": database_url, "pool_max_size": 1}
    pool = await open_pool(DatabaseSettings.model_validate(settings))
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), autocommit(pool) as connection:
                await connection.execute("SELECT pg_sleep(60)")
        async with transaction(pool) as connection:
            assert not connection.autocommit
            assert await one(connection, "SELECT 1") == (1,)
    finally:
        await pool.close()


async def test_a_pool_is_usable_soon_after_an_outage(own_postgres: Postgres) -> None:
    pool = await open_pool(
        DatabaseSettings.model_validate({"url": own_postgres.url, "connect_timeout_seconds": 2})
    )
    try:
        own_postgres.kill()
        # A busy worker process of the server may still answer before it notices.
        await answers_within(pool, 1)
        # Long enough for pauses that keep doubling to have become long.
        assert not await answers_within(pool, 12)
        own_postgres.start()
        assert await answers_within(pool, 5)
    finally:
        await pool.close()


async def select(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("SELECT 1")


async def answers_within(pool: Pool, seconds: int) -> bool:
    for _ in range(seconds):
        with contextlib.suppress(TransientError, TimeoutError):
            async with asyncio.timeout(1):
                await select(pool)
                return True
        await asyncio.sleep(0.5)
    return False


async def test_comments_and_accounts_from_before_reply_parts_are_kept(
    empty_database_url: str,
) -> None:
    settings = DatabaseSettings.model_validate({"url": empty_database_url})
    await migrate_filled(empty_database_url, 2, WITH_A_COMMENT)
    async with one_connection(settings) as connection:
        comments = await rows(
            connection, "SELECT body, quoted_text, signature, reply_blob FROM comment"
        )
        accounts = await rows(connection, "SELECT strip_quotations FROM mail_account")
    assert (comments, accounts) == ([("whole", "", "", None)], [(True,)])


async def test_an_account_of_an_earlier_release_keeps_its_encryption(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = (
        "INSERT INTO mail_account (name, protocol, host, port, encryption, username, password,"
        " folder, address, project_key, poll_seconds, idle, timeout_seconds)"
        " VALUES (%s, 'imap', 'mail.example.org', 143, %s, 'u', 'env:POSTRAIL_SECRET_X', 'INBOX',"
        " 'help@example.org', 'HELP', 60, true, %s)"
    )
    files = migration_files()
    monkeypatch.setattr(database, "migration_files", lambda: files[:1])
    await migrate(empty_database_url)
    async with await psycopg.AsyncConnection.connect(empty_database_url) as connection:
        await connection.execute(
            "INSERT INTO project (project_key, name, default_issue_type) VALUES ('HELP', '', '')"
        )
        await connection.execute(account, ["plain", "none", 300.0])
        await connection.execute(account, ["tls", "starttls", 2.5])
    monkeypatch.setattr(database, "migration_files", lambda: files)
    await migrate(empty_database_url)
    async with await psycopg.AsyncConnection.connect(empty_database_url) as connection:
        plain, tls = await mail_accounts(connection)
    # It logged in without encryption, and an upgrade must not change that.
    assert (plain.allow_plain_login, plain.timeout_ms) == (True, 30_000)
    assert (tls.allow_plain_login, tls.timeout_ms) == (False, 2_500)
    assert {plain.after_download, tls.after_download} == {"seen"}


async def test_sessions_notice_a_lost_client_and_read_times_in_utc(database_url: str) -> None:
    settings = DatabaseSettings.model_validate({"url": database_url})
    pool = await open_pool(settings)
    try:
        async with transaction(pool) as connection:
            found = await one(
                connection,
                "SELECT current_setting('timezone'), current_setting('tcp_keepalives_idle'),"
                " current_setting('tcp_keepalives_count')",
            )
    finally:
        await pool.close()
    assert found == ("UTC", "10", "4")
