"""Reports find their deliveries by indexes, however many there are."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from postrail.database import Connection, Pool, rows, transaction
from postrail.incoming.senders import wrote_since
from postrail.outgoing import reports, suppressions
from postrail.outgoing.letters import sent_on_since
from postrail.views.outgoing import deliveries

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COUNT = 20_000
FILL = f"""
WITH mail AS (
    INSERT INTO outgoing_mail (outgoing_id, conversation, cause, connection, envelope_from, subject,
        queued_at, text)
    SELECT gen_random_uuid(), 'c', 'cause ' || n, 'relay', 'help@example.org', 's', now(), 't'
    FROM generate_series(1, {COUNT}) AS n RETURNING outgoing_id, sequence
), delivery AS (
    INSERT INTO delivery (outgoing_id, recipient, message_id, connection, sequence, state, due_at,
        changed_at, given_id)
    SELECT outgoing_id, 'r' || sequence || '@example.org',
        '<postrail.' || outgoing_id || '.' || left(md5(sequence::text), 16) || '@example.org>',
        'relay', sequence, 'sent', now(), now(), '<given-r' || sequence || '@example.org>'
    FROM mail RETURNING outgoing_id, recipient
)
INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, raw_partition,
    raw_offset, sender, outcome, handled_at)
SELECT outgoing_id, 'support', 's', 'done', 1, now(), 0, 0, recipient, 'issue', now() FROM delivery
"""


async def scans(connection: Connection) -> list[tuple[str, int]]:
    """Returns how often each table was read as a whole."""
    return await rows(
        connection,
        "SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0"
        " AND relname IN ('delivery', 'delivery_report', 'outgoing_mail', 'incoming_mail')",
    )


async def reads(connection: Connection) -> int:
    """Returns how many deliveries and messages were read, by indexes or without."""
    found = await rows(
        connection,
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('delivery', 'outgoing_mail')",
    )
    return int(found[0][0] or 0)


async def test_a_report_reads_no_whole_table(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(FILL)
        await connection.execute(
            "INSERT INTO delivery_report SELECT outgoing_id, recipient, 'soft', '', '', '', '',"
            " outgoing_id, %s FROM delivery",
            [NOW],
        )
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE")
        found = await rows(connection, "SELECT message_id, recipient FROM delivery LIMIT 1")
        message_id, recipient = found[0]
    async with transaction(pool) as connection:
        # Those of the transaction before may be among them.
        before = await scans(connection)
        by_id = await reports.named(connection, [message_id])
        by_address = await reports.named(connection, [], [message_id.partition("@")[0]])
        assert by_id == by_address
        assert [one.recipient for one in by_id] == [recipient]
        given = await reports.named(connection, [f"<given-{recipient}>"])
        assert [one.recipient for one in given] == [recipient]
        other = f"<postrail.{uuid.uuid4()}.{'0' * 16}"
        assert await reports.named(connection, [f"{other}@example.org"], [other]) == []
        since = datetime(2026, 2, 25, tzinfo=UTC)
        assert len(await reports.soft_bounces(connection, recipient, since)) == 1
        assert await wrote_since(connection, recipient, since, but=str(uuid.uuid4()))
        assert await scans(connection) == before


async def test_a_list_of_what_came_back_reads_no_other_deliveries(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(FILL)
        await connection.execute(
            "INSERT INTO delivery_report SELECT outgoing_id, recipient, event, '', '', '', '',"
            " outgoing_id, %s FROM (SELECT * FROM delivery LIMIT 2) AS two,"
            " unnest(ARRAY['hard', 'read']) AS event",
            [NOW],
        )
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE")
    async with transaction(pool) as connection:
        before = await reads(connection)
        assert len(await deliveries(connection, bounced=True)) == 2
        assert await reads(connection) - before < 100


async def test_what_is_for_suppressed_addresses_is_found_by_index(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(FILL)
        await connection.execute("UPDATE delivery SET state = 'queued'")
        found = await rows(connection, "SELECT recipient, outgoing_id::text FROM delivery LIMIT 1")
        recipient, mail_id = found[0]
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE")
        before = await reads(connection)
        await suppressions.suppress(connection, recipient, "gone", mail_id, NOW)
        await suppressions.hold(connection, NOW)
        assert await reads(connection) - before < 100


async def test_a_flood_of_held_forwards_is_not_counted_one_by_one(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(FILL)
        await connection.execute(
            "UPDATE delivery SET recipient = 'boss@example.net', sent_on_at = now(),"
            " state = CASE WHEN sequence % 200 = 0 THEN 'sent' ELSE 'held' END"
        )
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE")
        before = await reads(connection)
        found = await sent_on_since(connection, ["Boss@example.net", "ann@x.example"], NOW, 30)
        assert found == {"boss@example.net": 30, "ann@x.example": 0}
        assert await reads(connection) - before < 100
