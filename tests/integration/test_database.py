"""The pool on real PostgreSQL: what a process that stands still does to the others."""

from __future__ import annotations

import asyncio

import pytest

from postrail import database
from postrail.database import migrate, migration_files, one_connection, open_pool, rows, transaction
from postrail.errors import TransientError
from postrail.settings import DatabaseSettings

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


async def test_comments_and_accounts_from_before_reply_parts_are_kept(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migration_files()
    settings = DatabaseSettings.model_validate({"url": empty_database_url})
    monkeypatch.setattr(database, "migration_files", lambda: files[:1])
    await migrate(empty_database_url)
    async with one_connection(settings) as connection:
        await connection.execute(WITH_A_COMMENT.encode())
    monkeypatch.setattr(database, "migration_files", lambda: files)
    await migrate(empty_database_url)
    async with one_connection(settings) as connection:
        comments = await rows(
            connection, "SELECT body, quoted_text, signature, reply_blob FROM comment"
        )
        accounts = await rows(connection, "SELECT strip_quotations FROM mail_account")
    assert (comments, accounts) == ([("whole", "", "", None)], [(True,)])
