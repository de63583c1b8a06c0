"""The outgoing messages of the release before keep their bytes, Message-IDs, states and order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest
from pydantic import SecretStr

from postrail.blobs import BlobStore
from postrail.database import Pool, open_pool, rows, transaction
from postrail.notifications.assemble import assemble
from postrail.outgoing import intake
from postrail.outgoing import queue as outgoing
from postrail.outgoing.issues import answered_issues
from postrail.settings import DatabaseSettings, Settings
from postrail.views.contents import outgoing_bytes
from postrail.views.outgoing import deliveries_of
from tests.fakes.originals import no_original
from tests.processes.senders import old_mail, queued_mail
from tests.servers.databases import migrate_filled

NUMBER = 16
LATER = datetime(2026, 6, 1, tzinfo=UTC)

# At the schema before: a message in each state, the last one with two recipients and a blob.
FILLED = """
INSERT INTO outgoing_mail (outgoing_id, conversation, issue_id, issue_key, cause, connection,
        envelope_from, message_id, subject, queued_at, message, message_blob)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'c', n, 'HELP-' || n, 'c' || n,
        'relay', 'desk@example.com', '<m' || n || '@example.com>', 's', '2026-01-01',
        CASE WHEN n < 6 THEN ('Subject: ' || n || E'\\r\\n\\r\\nHi\\r\\n')::bytea END,
        CASE WHEN n = 6 THEN repeat('ab', 32) END
    FROM generate_series(1, 6) AS n;
INSERT INTO delivery (outgoing_id, recipient, connection, sequence, issue_id, state, due_at,
        attempts, claim, claim_until, begun, reply, changed_at)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, recipient, 'relay', n, n, state,
        '2026-01-01', attempts, claim, claim_until, begun, reply, '2026-01-01'
    FROM (VALUES
        (1, 'ann@example.org', 'queued', 0, NULL, NULL, true, ''),
        (2, 'ann@example.org', 'deferred', 3, NULL, NULL, true, '450 later'),
        (3, 'ann@example.org', 'sending', 1, gen_random_uuid(), now() - interval '1 hour', false,
            ''),
        (4, 'ann@example.org', 'sending', 1, gen_random_uuid(), now() - interval '1 hour', true,
            ''),
        (5, 'ann@example.org', 'sent', 1, NULL, NULL, true, '250 OK'),
        (6, 'ann@example.org', 'unconfirmed', 3, NULL, NULL, true, 'silence'),
        (6, 'bob@example.org', 'failed', 1, NULL, NULL, true, '550 no')
    ) AS delivery (n, recipient, state, attempts, claim, claim_until, begun, reply);
"""


def id_of(number: int) -> str:
    return f"00000000-0000-0000-0000-00000000000{number}"


@pytest.fixture
async def pool(empty_database_url: str) -> AsyncIterator[Pool]:
    await migrate_filled(empty_database_url, NUMBER, FILLED)
    opened = await open_pool(DatabaseSettings(url=SecretStr(empty_database_url)))
    yield opened
    await opened.close()


async def test_each_delivery_keeps_its_state_and_the_message_id(pool: Pool) -> None:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT right(outgoing_id::text, 1)::int, recipient, state, attempts, message_id, name,"
            " tokens FROM delivery ORDER BY sequence, recipient",
        )
    assert [(n, state, attempts) for n, _, state, attempts, *_ in found] == [
        (1, "queued", 0),
        (2, "deferred", 3),
        (3, "sending", 1),
        (4, "sending", 1),
        (5, "sent", 1),
        (6, "unconfirmed", 3),
        (6, "failed", 1),
    ]
    assert all(row[4:] == (f"<m{row[0]}@example.com>", "", {}) for row in found)


async def test_due_messages_are_sent_as_they_were_queued(pool: Pool, settings: Settings) -> None:
    blobs = BlobStore(settings.blobs.url)
    async with transaction(pool) as connection:
        claimed = await outgoing.claim_due(connection, LATER, 60.0, 50, outgoing_connection="relay")
        interrupted = await outgoing.claim_interrupted(connection, LATER, 60.0, 50)
    assert [one.outgoing_id for one in claimed] == [id_of(1), id_of(2), id_of(3)]
    assert [one.outgoing_id for one in interrupted] == [id_of(4)]
    for number, one in enumerate([*claimed, *interrupted], start=1):
        assert one.message_id == f"<m{number}@example.com>"
        assert (
            await assemble(one, None, blobs, no_original) == b"Subject: %d\r\n\r\nHi\r\n" % number
        )


async def test_a_reply_to_an_earlier_message_still_finds_its_issue(pool: Pool) -> None:
    async with transaction(pool) as connection:
        found = await answered_issues(connection, [1, 5, 6], ["<m5@example.com>", "<m4@x>"])
    assert found == [("<m5@example.com>", 5)]


async def test_the_commands_show_earlier_messages(pool: Pool, settings: Settings) -> None:
    blobs = BlobStore(settings.blobs.url)
    async with transaction(pool) as connection:
        shown = await deliveries_of(connection, id_of(6))
    raw = await outgoing_bytes(
        lambda: transaction(pool), id_of(5), "ann@example.org", settings.kafka, blobs
    )
    assert [row.recipient for row in shown] == ["ann@example.org", "bob@example.org"]
    assert {row.message_id for row in shown} == {"<m6@example.com>"}
    assert raw == b"Subject: 5\r\n\r\nHi\r\n"


async def test_a_record_of_an_earlier_message_adds_nothing(pool: Pool) -> None:
    again = old_mail(outgoing_id=id_of(5), message_id="<m5@example.com>")
    async with transaction(pool) as connection:
        assert await intake.take_in(connection, [again, queued_mail()]) == 1


async def test_a_sender_of_the_release_before_cannot_claim(pool: Pool) -> None:
    """It would take a message that is stored in parts for one without content, and fail it."""
    async with pool.connection() as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            await connection.execute("SELECT message, message_blob FROM outgoing_mail")
