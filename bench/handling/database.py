"""Makes a database with the issues, messages and watchers of some years."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql
from pydantic import SecretStr

from postrail.database import migrate, open_pool
from postrail.settings import DatabaseSettings
from tests.integration.handler.bench import configure
from tests.servers.databases import create_database

# The issues are of 200,000 customers; a message made each of them, and one in three was answered.
# One in ten is watched: that index takes longer than all others.
_ISSUES = """
INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,
        reporter_address, reporter_name, conversation, mail_id, created_at, changed_at)
    SELECT 'HELP-' || g, 'HELP', g, 'Request', 'Printer ' || g % 977 || ' does not work',
        'Since ' || g % 30 || ' days my device ' || md5(g::text) || ' shows an error.',
        'old' || g % 200000 || '@example.net', 'Old ' || g % 200000,
        md5('conversation ' || g)::uuid, md5('mail ' || g)::uuid,
        now() - g * interval '31 seconds', now() - g * interval '30 seconds'
    FROM generate_series(1, {issues}) AS g;
INSERT INTO issue_numbering (project_key, next_number) VALUES ('HELP', {issues} + 1);
INSERT INTO issue_index (tracker, issue_key, project_key, conversation, summary, created_at)
    SELECT 'builtin', issue_key, project_key, conversation, summary, created_at FROM issue;
INSERT INTO conversation_issue (conversation, issue_id)
    SELECT conversation, issue_id FROM issue_index;
INSERT INTO message_index (message_hash, conversation, sender)
    SELECT substring(sha256(('<old-' || number || '-' || n || '@example.net>')::bytea), 1, 16),
        conversation, reporter_address
    FROM issue, generate_series(0, 2) AS n WHERE n = 0 OR number % 3 = 0;
INSERT INTO watcher (issue_id, address, name)
    SELECT issue_id, reporter_address, reporter_name FROM issue_index JOIN issue USING (issue_key)
    WHERE number % 10 = 0;
INSERT INTO participant (issue_id, address) SELECT issue_id, address FROM watcher;
INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, subject, sender,
        fingerprint, conversation, arrival, revision, outcome, issue_key, issue_id, handled_at)
    SELECT mail_id, 'support', 'INBOX;uidvalidity=1;uid=' || number, 'done', 2000,
        issue.created_at, issue.summary, reporter_address, md5('mail ' || number),
        issue.conversation, nextval('arrival_number'), 1, 'issue', issue_key, issue_id,
        issue.created_at
    FROM issue JOIN issue_index USING (issue_key);
"""
# Primary keys and unique constraints stay, since other tables may refer to them.
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND indexdef LIKE 'CREATE INDEX%'
    AND tablename IN ('issue', 'watcher', 'incoming_mail', 'message_index', 'conversation_issue')
"""


def filled_database(admin_url: str, issues: int) -> str:
    """Makes a migrated and configured database with this number of issues; returns its URL."""
    url = create_database(admin_url)
    asyncio.run(_prepare(url))
    with psycopg.connect(url, autocommit=True) as connection:
        # A filled table is indexed in a fraction of the time. No reference needs a check: each is
        # to a row that the same statements make.
        connection.execute(b"SET session_replication_role = replica")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute(_ISSUES.format(issues=issues).encode())
        connection.execute(b"SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute(b"VACUUM ANALYZE")
    return url


async def _prepare(url: str) -> None:
    await migrate(url)
    pool = await open_pool(DatabaseSettings(url=SecretStr(url)))
    try:
        await configure(pool)
    finally:
        await pool.close()
