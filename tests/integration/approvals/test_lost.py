"""`postrail approvals lost` finds the ended requests that a restored database lacks."""

from __future__ import annotations

from dataclasses import replace

from postrail.approvals import ledger, store
from postrail.approvals.decided import decided_record
from postrail.approvals.ledger import Channel, EventKind, NewEvent
from postrail.approvals.request import State
from postrail.database import Connection, one_connection, open_pool, transaction
from postrail.records import ApprovalDecided
from postrail.settings import Settings
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import APPROVAL_DECIDED, apply_topics
from postrail.views.approvals.lost import lost_endings, published_endings
from tests.makers.approvals.requests import new_request
from tests.makers.records import NOON


async def ended(connection: Connection, subject: str) -> ApprovalDecided:
    """Stores a request that was withdrawn, and returns its record."""
    request = await store.insert(connection, new_request(subject=subject))
    await store.close_request(connection, request.request_id, State.WITHDRAWN, "", NOON)
    events = await ledger.append(
        connection,
        [
            NewEvent(
                request_id=request.request_id,
                happened_at=NOON,
                kind=EventKind.WITHDRAWN,
                channel=Channel.COMMAND,
            )
        ],
    )
    closed = (await store.by_id(connection, [request.request_id]))[request.request_id]
    return decided_record(closed, [], events, None)


async def test_what_the_topic_has_and_the_ledger_lacks_is_found(settings: Settings) -> None:
    apply_topics(settings.kafka)
    producer, pool = Producer(settings.kafka), await open_pool(settings.database)
    await producer.start()
    try:
        async with transaction(pool) as connection:
            records = [await ended(connection, subject) for subject in ("First", "Second")]
            entries = [Entry(APPROVAL_DECIDED, one.request_id, avro.encode(one)) for one in records]
            added = await outbox.add(connection, entries, NOON)
        await outbox.flush(pool, producer, added)
        # A record may come twice.
        await producer.send(entries)
    finally:
        await producer.close()
        await pool.close()
    published = await published_endings(settings.kafka)
    async with one_connection(settings.database) as connection:
        assert await lost_endings(connection, published) == []
        # As a restore does.
        await connection.execute(
            "UPDATE approval_request SET state = 'open', closed_at = NULL WHERE subject = 'Second'"
        )
        assert await lost_endings(connection, published) == [records[1]]
        # It has ended again, in the same way and in another one.
        request_id = records[1].request_id
        await store.close_request(connection, request_id, State.WITHDRAWN, "", NOON)
        assert await lost_endings(connection, published) == []
        await connection.execute(
            "UPDATE approval_request SET state = 'decided', choice = 'approve'"
        )
        assert await lost_endings(connection, published) == records
        # It was made after the backup.
        unknown = replace(records[0], request_id="00000000-0000-0000-0000-000000000000")
        assert await lost_endings(connection, [unknown]) == [unknown]
        assert await lost_endings(connection, []) == []
