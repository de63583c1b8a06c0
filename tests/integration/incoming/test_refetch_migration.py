"""Messages that an earlier release parked for good are asked for once more after the migration."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from postrail.database import migration_files

NUMBER = 14
# At schema 13: two parked messages, and others that failed or are under way.
FILLED = """
INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, handled_at, reason,
        raw_offset, parsed)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'support', 'uid=' || n, state, 1,
        '2026-01-01', '2026-01-02', reason, raw_offset, parsed
    FROM (VALUES (1, 'failed', 'could not be fetched: refused', NULL, NULL),
        (2, 'failed', 'could not be fetched: the mail server breaks off', NULL, NULL),
        (3, 'failed', 'could not be fetched: by the handler', 7, ''::bytea),
        (4, 'failed', 'no right', 8, ''::bytea),
        (5, 'fetched', NULL, 9, NULL), (6, 'done', 'a new issue', 10, ''::bytea))
        AS mail(n, state, reason, raw_offset, parsed);
"""


@pytest.fixture
def migrated(empty_database_url: str) -> list[tuple[Any, ...]]:
    """Returns the requests that the migration makes of a filled database."""
    files = {number: text for number, _, text in migration_files()}
    with psycopg.connect(empty_database_url) as connection:
        for number in range(1, NUMBER):
            connection.execute(files[number].encode())
        connection.execute(FILLED)
        connection.execute(files[NUMBER].encode())
        return connection.execute(
            "SELECT right(mail_id::text, 1), due_at <= now(), held, only_in_mailbox, attempts,"
            " problem, tried_at::date::text FROM refetch ORDER BY 1"
        ).fetchall()


def test_parked_messages_are_asked_for_once_more(migrated: list[tuple[Any, ...]]) -> None:
    asked = (True, False, True, 0)
    assert migrated == [
        ("1", *asked, "could not be fetched: refused", "2026-01-02"),
        ("2", *asked, "could not be fetched: the mail server breaks off", "2026-01-02"),
    ]
