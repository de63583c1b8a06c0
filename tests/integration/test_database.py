"""Real PostgreSQL: what a process that stands still does to the others; what migrations keep."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from postrail import database
from postrail.accounts.store import mail_accounts
from postrail.database import migration_files, open_pool, transaction
from postrail.errors import TransientError
from postrail.settings import DatabaseSettings


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


async def test_an_account_of_before_goes_on_as_it_was(empty_database_url: str) -> None:
    account = (
        "INSERT INTO mail_account (name, protocol, host, port, encryption, username, password,"
        " folder, address, project_key, poll_seconds, idle, timeout_seconds)"
        " VALUES (%s, 'imap', 'mail.example.org', 143, %s, 'u', 'env:POSTRAIL_SECRET_X', 'INBOX',"
        " 'help@example.org', 'HELP', 60, true, %s)"
    )
    texts = {number: text for number, _, text in migration_files()}
    async with await psycopg.AsyncConnection.connect(empty_database_url) as connection:
        await connection.execute(texts[1].encode())
        await connection.execute(
            "INSERT INTO project (project_key, name, default_issue_type) VALUES ('HELP', '', '')"
        )
        await connection.execute(account, ["plain", "none", 300.0])
        await connection.execute(account, ["tls", "starttls", 2.5])
        await connection.execute(texts[3].encode())
        plain, tls = await mail_accounts(connection)
    # It logged in without encryption, and must not stop doing so because of an upgrade.
    assert (plain.allow_plain_login, plain.timeout_ms) == (True, 30_000)
    assert (tls.allow_plain_login, tls.timeout_ms) == (False, 2_500)
    assert {plain.after_download, tls.after_download} == {"seen"}
