"""Fills a database with issues: first the tables of the release before, then what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from postrail.database import Connection, migration_files
from postrail.tracker.builtin.search_text import write_comment_words, write_issue_words

# The last migration before the tracker that a team uses.
BEFORE = 19
WORD_BATCH = 2000
WRITERS = 2
# One in this number of issues has a rare value of each field; those of odd numbers are of HELP.
RARE = 20_000
LONG_ISSUE_COMMENTS = 500
PEOPLE = 20

# At schema 19: two projects, issues by 200,000 customers of 5,000 companies, and their comments.
_ISSUES = """
INSERT INTO project (project_key, name, default_issue_type)
    VALUES ('HELP', 'Help desk', 'Request'), ('SALE', 'Sales', 'Request');
INSERT INTO issue_type (project_key, name)
    SELECT key, name FROM (VALUES ('HELP'), ('SALE')) AS p (key),
        (VALUES ('Request'), ('Bug'), ('Task'), ('Incident')) AS t (name);
INSERT INTO person (address, name)
    SELECT 'agent' || n || '@desk.example', 'Agent ' || n FROM generate_series(1, {people}) AS n;
INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,
        reporter_address, reporter_name, conversation, mail_id, created_at, changed_at)
    SELECT key || '-' || g, key, g,
        CASE WHEN g % {rare} = 7 THEN 'Incident'
            ELSE (ARRAY['Request', 'Bug', 'Task'])[1 + g % 3] END,
        (ARRAY['Printer', 'Scanner', 'Network', 'Laptop', 'Mail'])[1 + g % 5] || ' '
            || substr(md5(g::text), 1, 6) || ' does not work in room ' || g % 977
            || CASE WHEN g % {rare} = 11 THEN ' since the zeppelin came' ELSE '' END,
        'Dear team, since ' || g % 30 || ' days my device ' || md5((g * 7)::text)
            || ' shows error ' || g % 9973 || ' and restarts. Please help, and thank you.'
            || CASE WHEN g % {rare} = 13 THEN ' A hummingbird sits on it.' ELSE '' END,
        'customer' || g % 200000 || '@company' || g % 5000 || '.example', 'Customer ' || g % 200000,
        gen_random_uuid(), gen_random_uuid(),
        now() - g * interval '31 seconds',
        now() - (g::bigint * 7919 % {issues}) * interval '30 seconds'
    FROM (SELECT g, CASE WHEN g % 4 = 0 THEN 'SALE' ELSE 'HELP' END AS key
        FROM generate_series(1, {issues}) AS g) AS numbered;
INSERT INTO issue_numbering (project_key, next_number)
    VALUES ('HELP', {issues} + 1), ('SALE', {issues} + 1);
INSERT INTO comment (issue_key, author_address, body, mail_id, created_at)
    SELECT issue_key, 'agent' || 1 + number % {people} || '@desk.example',
        'We have looked at it: error ' || number % 9973 || '. Please restart it once more.',
        gen_random_uuid(), created_at + interval '1 hour'
    FROM issue WHERE number % 5 = 0;
INSERT INTO comment (issue_key, author_address, body, mail_id, created_at)
    SELECT 'HELP-1', reporter_address, repeat('It is still so. ', 20) || n, gen_random_uuid(), now()
    FROM issue, generate_series(1, {comments}) AS n WHERE issue_key = 'HELP-1';
INSERT INTO issue_index (tracker, issue_key, project_key, conversation, summary, created_at)
    SELECT 'builtin', issue_key, project_key, conversation, summary, created_at FROM issue;
INSERT INTO watcher (issue_id, address, name)
    SELECT issue_id, reporter_address, reporter_name FROM issue_index JOIN issue USING (issue_key);
"""

# At schema 20: the new fields.
_FIELDS = """
INSERT INTO project_status (project_key, name, place, category)
    VALUES ('HELP', 'Waiting', 4, 'in progress');
INSERT INTO component (project_key, name, place) VALUES
    ('HELP', 'Attic', 1), ('HELP', 'Hall', 2);
INSERT INTO custom_field (project_key, name, kind, choices, place) VALUES
    ('HELP', 'Size', 'number', '{{}}', 1),
    ('HELP', 'Site', 'choice', '{{Berlin,Paris,Atlantis}}', 2);
INSERT INTO group_member SELECT 'night', person_id FROM person
    WHERE address = 'agent20@desk.example';
UPDATE issue SET
    status = CASE WHEN number % {rare} = 1 THEN 'Waiting'
        WHEN number % 10 < 7 THEN 'Done' WHEN number % 10 = 7 THEN 'In Progress' ELSE 'Open' END,
    resolution = CASE WHEN number % {rare} = 1 OR number % 10 >= 7 THEN NULL
        WHEN number % {rare} = 3 THEN 'Duplicate' ELSE 'Done' END,
    resolved_at = CASE WHEN number % {rare} = 1 OR number % 10 >= 7 THEN NULL
        ELSE changed_at END,
    priority = CASE WHEN number % {rare} = 5 THEN 1 ELSE 2 + number % 4 END,
    assignee = CASE WHEN number % {rare} = 9 THEN 'agent20@desk.example'
        WHEN number % 10 < 8 THEN 'agent' || 1 + number % 19 || '@desk.example' END,
    labels = CASE WHEN number % {rare} = 15 THEN ARRAY['comet']
        WHEN number % 3 = 0 THEN ARRAY['label' || number % 50] ELSE '{{}}' END,
    components = CASE WHEN number % {rare} = 17 THEN ARRAY['Attic']
        WHEN number % 2 = 1 THEN ARRAY['Hall'] ELSE '{{}}' END,
    due_on = CASE WHEN number % 10 = 8 THEN (created_at + interval '14 days')::date END;
INSERT INTO custom_value (issue_key, project_key, field, number_value)
    SELECT issue_key, project_key, 'Size', number % 1000 FROM issue
    WHERE project_key = 'HELP' AND number % 5 = 1;
INSERT INTO custom_value (issue_key, project_key, field, text_value)
    SELECT issue_key, project_key, 'Site',
        CASE WHEN number % {rare} = 21 THEN 'Atlantis' WHEN number % 3 = 1 THEN 'Berlin'
            ELSE 'Paris' END
    FROM issue WHERE project_key = 'HELP' AND number % 5 = 1;
"""


async def fill_old_tables(url: str, issues: int) -> None:
    """Makes the tables of the release before, with this number of issues."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "CREATE TABLE schema_migration (number integer PRIMARY KEY, name text NOT NULL,"
            " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for number, _, text in migration_files():
            if number <= BEFORE:
                await connection.execute(text.encode())
        filled = _ISSUES.format(
            issues=issues, rare=rare_of(issues), people=PEOPLE, comments=LONG_ISSUE_COMMENTS
        )
        await connection.execute(filled.encode())
        await connection.execute(b"VACUUM ANALYZE")


async def fill_new_fields(url: str, issues: int) -> None:
    """Gives the issues values of the fields that migration 20 adds."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(_FIELDS.format(rare=rare_of(issues)).encode())


async def fill_words(url: str) -> None:
    """Writes the rows of the search for all issues and comments."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(b"DROP INDEX issue_text_words")
        keys = await _column(connection, "SELECT issue_key FROM issue")
        ids = await _column(connection, "SELECT comment_id FROM comment")
        await asyncio.gather(
            *(_write(url, keys[n::WRITERS], write_issue_words) for n in range(WRITERS))
        )
        await asyncio.gather(
            *(_write(url, ids[n::WRITERS], write_comment_words) for n in range(WRITERS))
        )
        await connection.execute(b"SET maintenance_work_mem = '512MB'")
        await connection.execute(b"CREATE INDEX issue_text_words ON issue_text USING gin (words)")
        await connection.execute(b"VACUUM ANALYZE")


def rare_of(issues: int) -> int:
    """Returns how many issues there are for one with a rare value, in a database of this size."""
    return min(RARE, issues // 10)


async def _column(connection: Connection, statement: str) -> list[Any]:
    cursor = await connection.execute(statement.encode())
    return [value for (value,) in await cursor.fetchall()]


async def _write(
    url: str, things: list[Any], write: Callable[[Connection, list[Any]], Awaitable[None]]
) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for start in range(0, len(things), WORD_BATCH):
            await write(connection, things[start : start + WORD_BATCH])
