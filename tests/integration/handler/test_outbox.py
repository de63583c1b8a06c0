"""The rows of the outbox are sent after the commit, in order, by whichever process comes first."""

from __future__ import annotations

import asyncio

import pytest

from postrail.database import transaction
from postrail.errors import FatalError
from postrail.records import OutgoingQueued
from postrail.settings import OutboxSettings
from postrail.stream import outbox
from postrail.stream.outbox import Sweeper
from postrail.stream.producer import Entry
from postrail.stream.topics import MAIL_HANDLED, OUTGOING_QUEUED
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed


async def test_rows_of_the_outbox_survive_until_they_are_acknowledged(bench: Bench) -> None:

    bench.producer.acknowledge = False
    await bench.take_in(mail_parsed())
    with pytest.raises(FatalError):
        await bench.work()
    assert await bench.rows("SELECT topic FROM outbox ORDER BY outbox_id") == [
        ("mail.handled",),
        ("outgoing.queued",),
    ]
    assert (await bench.outcomes())[0][0] == "done"
    bench.producer.acknowledge = True
    sweeper = Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock)
    assert await sweeper.sweep() == 0
    bench.clock.move(10)
    assert await sweeper.sweep() == 2
    assert await bench.rows("SELECT 1 FROM outbox") == []
    assert len(bench.sent(OutgoingQueued)) == 1


async def test_one_replica_sweeps_what_another_has_not_locked(bench: Bench) -> None:

    entries = [Entry(MAIL_HANDLED, "k", bytes([n % 256])) for n in range(300)]
    async with transaction(bench.pool) as connection:
        await outbox.add(connection, entries, bench.clock.now())
    bench.clock.move(10)
    sweepers = [
        Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock) for _ in range(2)
    ]
    await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    await sweepers[0].sweep()
    assert sorted(entry.value for entry in bench.producer.sent) == sorted(
        entry.value for entry in entries
    )


async def test_a_row_is_sent_at_once_although_a_killed_process_left_an_earlier_one(
    bench: Bench,
) -> None:
    async with transaction(bench.pool) as connection:
        left = [Entry(OUTGOING_QUEUED, "conversation", b"left")]
        await outbox.add(connection, left, bench.clock.now())
    async with transaction(bench.pool) as connection:
        later = [Entry(OUTGOING_QUEUED, "conversation", b"later")]
        added = await outbox.add(connection, later, bench.clock.now())
    await outbox.flush(bench.pool, bench.producer, added)
    assert [entry.value for entry in bench.producer.sent] == [b"later"]
    bench.clock.move(10)
    await Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock).sweep()
    assert [entry.value for entry in bench.producer.sent] == [b"later", b"left"]
    assert await bench.rows("SELECT 1 FROM outbox") == []
