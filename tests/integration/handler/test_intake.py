"""Messages are taken in together with their offsets, and counted until they have an outcome."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postrail.database import transaction
from postrail.incoming import queue as incoming
from postrail.stream.received import OffsetGap
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed, received


async def test_a_batch_that_does_not_follow_the_stored_offset_is_refused_whole(
    bench: Bench,
) -> None:
    await bench.handle(mail_parsed())
    zombie, zombie_offsets = bench.another()
    zombie_offsets.expect({0: None})
    with pytest.raises(OffsetGap):
        await zombie.take_in([received(mail_parsed(), 0)])
    assert await bench.rows("SELECT count(*) FROM incoming_mail") == [(1,)]
    assert {n: at.next_offset for n, at in (await bench.offsets.stored([0])).items()} == {0: 1}


async def test_messages_without_an_outcome_are_counted_once_they_are_old(bench: Bench) -> None:
    await bench.take_in(mail_parsed(fetched_at=NOON), mail_parsed(fetched_at=NOON))
    async with transaction(bench.pool) as connection:
        assert await incoming.unaccounted(connection, NOON, 60) == 0
        assert await incoming.unaccounted(connection, NOON + timedelta(minutes=2), 60) == 2
        assert await incoming.counts(connection) == {"new": 2}
    await bench.work()
    async with transaction(bench.pool) as connection:
        assert await incoming.unaccounted(connection, NOON + timedelta(days=1), 60) == 0
