"""A filled database of the release before gets the index of issues, and everything refers to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from postrail.database import migration_files

NUMBER = 11

# At schema 10: three issues in two conversations, of which one was made by a person; people and
# addresses; messages in and out, one of them without an issue, one of an issue that is gone.
FILLED = """
INSERT INTO project (project_key, name, default_issue_type)
    VALUES ('HELP', 'n', 't'), ('SALE', 'n', 't');

INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, message_id,
        conversation, outcome, issue_key)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'support', 'uid=' || n, 'done', 1,
        now(), message_id, ('10000000-0000-0000-0000-00000000000' || c)::uuid, outcome, issue_key
    FROM (VALUES (1, '<one@x>', 1, 'issue', 'HELP-1'), (2, '<two@x>', 1, 'comment', 'HELP-1'),
        (3, NULL, 1, 'issue', 'SALE-1'), (4, '<four@x>', 2, 'failed', NULL),
        (5, '<five@x>', 2, 'comment', 'GONE-1')) AS mail(n, message_id, c, outcome, issue_key);

INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,
        reporter_address, conversation, mail_id, created_at, changed_at)
    SELECT key, left(key, 4), right(key, 1)::int, 't', 'about ' || key, 'd', 'ada@example.org',
        ('10000000-0000-0000-0000-00000000000' || c)::uuid,
        ('00000000-0000-0000-0000-00000000000' || mail)::uuid,
        '2026-01-01'::timestamptz + age * interval '1 day', now()
    FROM (VALUES ('HELP-2', 2, NULL, 3), ('HELP-1', 1, '1', 1), ('SALE-1', 1, '3', 2))
        AS issue(key, c, mail, age);

INSERT INTO conversation_issue (conversation, project_key, issue_key) VALUES
    ('10000000-0000-0000-0000-000000000001', 'HELP', 'HELP-1'),
    ('10000000-0000-0000-0000-000000000001', 'SALE', 'SALE-1'),
    ('10000000-0000-0000-0000-000000000002', 'HELP', 'HELP-2'),
    ('10000000-0000-0000-0000-000000000003', 'HELP', 'HELP-1'),
    ('10000000-0000-0000-0000-000000000004', 'GONE', 'GONE-1');
INSERT INTO watcher (issue_key, address, name) VALUES
    ('HELP-1', 'ada@example.org', 'Ada'), ('HELP-1', 'bo@example.org', ''),
    ('SALE-1', 'ada@example.org', 'Ada');
INSERT INTO participant (issue_key, address) VALUES
    ('HELP-2', 'bo@example.org'), ('SALE-1', 'bo@example.org');
INSERT INTO issue_address (issue_key, address) VALUES ('HELP-1', 'support@example.com');

INSERT INTO outgoing_mail (outgoing_id, conversation, issue_key, cause, connection, envelope_from,
        message_id, subject, queued_at)
    SELECT ('20000000-0000-0000-0000-00000000000' || n)::uuid, 'c', issue_key, '', 'out', '',
        '<out' || n || '@x>', '', now()
    FROM (VALUES (1, 'HELP-1'), (2, NULL), (3, 'GONE-1')) AS mail(n, issue_key);
INSERT INTO delivery (outgoing_id, recipient, connection, sequence, issue_key, state, due_at,
        changed_at)
    SELECT outgoing_id, 'bo@example.org', 'out', sequence, issue_key, 'queued', now(), now()
    FROM outgoing_mail;
"""


@pytest.fixture
async def migrated(empty_database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    files = {number: text for number, _, text in migration_files()}
    async with await psycopg.AsyncConnection.connect(empty_database_url) as connection:
        for number in range(1, NUMBER):
            await connection.execute(files[number].encode())
        await connection.execute(FILLED.encode())
        await connection.execute(files[NUMBER].encode())
        yield connection


async def rows(connection: psycopg.AsyncConnection, statement: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement.encode())
    return await cursor.fetchall()


async def test_each_issue_is_indexed_oldest_first(migrated: psycopg.AsyncConnection) -> None:
    assert await rows(
        migrated,
        "SELECT issue_id, tracker, issue_key, project_key, summary, first_message_id,"
        " right(conversation::text, 1), created_at = (SELECT created_at FROM issue"
        "  WHERE issue.issue_key = issue_index.issue_key) FROM issue_index ORDER BY issue_id",
    ) == [
        (1, "builtin", "HELP-1", "HELP", "about HELP-1", "<one@x>", "1", True),
        (2, "builtin", "SALE-1", "SALE", "about SALE-1", None, "1", True),
        (3, "builtin", "HELP-2", "HELP", "about HELP-2", None, "2", True),
    ]


# What refers to an issue now, and an issue that is gone to no one.
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "SELECT issue_id, address, name FROM watcher ORDER BY 1, 2",
            [
                (1, "ada@example.org", "Ada"),
                (1, "bo@example.org", ""),
                (2, "ada@example.org", "Ada"),
            ],
        ),
        (
            "SELECT issue_id, address FROM participant ORDER BY 1, 2",
            [(2, "bo@example.org"), (3, "bo@example.org")],
        ),
        ("SELECT issue_id, address FROM issue_address", [(1, "support@example.com")]),
        (
            "SELECT right(conversation::text, 1), issue_id FROM conversation_issue ORDER BY 1, 2",
            [("1", 1), ("1", 2), ("2", 3), ("3", 1)],
        ),
        (
            "SELECT issue_key, issue_id FROM incoming_mail ORDER BY source",
            [("HELP-1", 1), ("HELP-1", 1), ("SALE-1", 2), (None, None), ("GONE-1", None)],
        ),
        (
            "SELECT issue_key, issue_id FROM outgoing_mail ORDER BY sequence",
            [("HELP-1", 1), (None, None), ("GONE-1", None)],
        ),
        ("SELECT issue_id FROM delivery ORDER BY sequence", [(1,), (None,), (None,)]),
    ],
)
async def test_everything_refers_to_the_index(
    migrated: psycopg.AsyncConnection, statement: str, expected: list[tuple[Any, ...]]
) -> None:
    assert await rows(migrated, statement) == expected


async def test_a_conversation_may_have_a_second_issue_in_a_project(
    migrated: psycopg.AsyncConnection,
) -> None:
    await migrated.execute(
        "INSERT INTO conversation_issue SELECT conversation, 3 FROM conversation_issue"
        " WHERE issue_id = 1"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        await migrated.execute("INSERT INTO watcher VALUES ('ada@example.org', 'Ada', 1)")
