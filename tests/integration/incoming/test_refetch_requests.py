"""Requests to publish messages again, in PostgreSQL: who can be asked for, and asking twice."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postrail.database import Pool, open_pool, rows, transaction
from postrail.incoming import queue, refetch
from postrail.settings import Settings
from postrail.views.incoming import changed_mails

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    found = await open_pool(settings.database)
    yield found
    await found.close()


async def stored(pool: Pool, state: str, revision: int = 0) -> str:
    """Adds a message in this state."""
    mail_id = str(uuid.uuid4())
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at,"
            " revision) VALUES (%s, 'support', 'INBOX;uidvalidity=7;uid=1', %s, 10, %s, %s)",
            (mail_id, state, NOW, revision),
        )
    return mail_id


async def requested(pool: Pool, *mail_ids: str, by: str = "ann", now: datetime = NOW) -> int:
    async with transaction(pool) as connection:
        return await refetch.request(connection, mail_ids, requested_by=by, reason="test", now=now)


async def changed(pool: Pool, statement: str) -> None:
    async with transaction(pool) as connection:
        await connection.execute(statement.encode())


async def asked_for(pool: Pool) -> list[tuple[Any, ...]]:
    async with transaction(pool) as connection:
        return await rows(
            connection,
            "SELECT mail_id::text, mailbox, revision, requested_by, due_at FROM refetch"
            " ORDER BY mail_id",
        )


@pytest.mark.parametrize("state", ["fetched", "failed", "quarantined"])
async def test_a_message_is_asked_for_at_once(pool: Pool, state: str) -> None:
    mail_id = await stored(pool, state, revision=3)
    assert await requested(pool, mail_id) == 1
    assert await asked_for(pool) == [(mail_id, "support", 3, "ann", NOW)]


@pytest.mark.parametrize("state", ["new", "working", "waiting", "done"])
async def test_a_message_past_fetched_is_not_asked_for(pool: Pool, state: str) -> None:
    assert await requested(pool, await stored(pool, state), str(uuid.uuid4())) == 0
    assert await asked_for(pool) == []


async def test_a_request_that_is_due_stays_as_it_is(pool: Pool) -> None:
    mail_id = await stored(pool, "failed")
    await requested(pool, mail_id)
    assert await requested(pool, mail_id, by="ben", now=NOW + timedelta(seconds=5)) == 0
    assert await asked_for(pool) == [(mail_id, "support", 0, "ann", NOW)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE refetch SET due_at = due_at + interval '6 hours', only_in_mailbox = true",
        "UPDATE refetch SET held = true, only_in_mailbox = true",
        # It was handled in the meantime, and failed again.
        "UPDATE incoming_mail SET revision = 1",
    ],
)
async def test_a_request_that_waits_becomes_due(pool: Pool, change: str) -> None:
    mail_id = await stored(pool, "failed")
    await requested(pool, mail_id)
    await changed(pool, change)
    later = NOW + timedelta(minutes=1)
    assert await requested(pool, mail_id, by="ben", now=later) == 1
    ((_, _, _, by, due_at),) = await asked_for(pool)
    assert (by, due_at) == ("ben", later)
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT only_in_mailbox, held FROM refetch") == [
            (False, False)
        ]


async def test_followers_see_an_old_message_that_is_published_again(pool: Pool) -> None:
    mail_id = await stored(pool, "fetched")
    since = NOW + timedelta(days=7)
    async with transaction(pool) as connection:
        assert await changed_mails(connection, fetched_since=since, unfinished=[]) == []
    await changed(pool, "UPDATE incoming_mail SET refetched_at = fetched_at + interval '8 days'")
    async with transaction(pool) as connection:
        (found,) = await changed_mails(connection, fetched_since=since, unfinished=[])
    assert (found.mail_id, found.refetched_at) == (mail_id, NOW + timedelta(days=8))


async def test_a_message_published_again_is_unaccounted_for_only_after_some_time(
    pool: Pool,
) -> None:
    await stored(pool, "fetched")
    now = NOW + timedelta(days=7)
    async with transaction(pool) as connection:
        assert await queue.unaccounted(connection, now, 900) == 1
    await changed(pool, "UPDATE incoming_mail SET refetched_at = fetched_at + interval '7 days'")
    async with transaction(pool) as connection:
        assert await queue.unaccounted(connection, now, 900) == 0
        assert await queue.unaccounted(connection, now + timedelta(seconds=901), 900) == 1
