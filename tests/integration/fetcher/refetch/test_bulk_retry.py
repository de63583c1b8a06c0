"""A thousand failed messages are retried: each is published once more, in the order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from postrail.operate.retry import Order, ask_selected_again, select
from postrail.settings import Settings
from tests.integration.fetcher.refetch.scene import Scene, opened
from tests.processes.fetcher_process import fetched_records

COUNT = 1000


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


async def test_a_thousand_messages_are_published_again_in_their_order(scene: Scene) -> None:
    mail_ids = await scene.fetched(*[b"Subject: %d\r\n\r\n" % n for n in range(COUNT)])
    await scene.change(
        "UPDATE incoming_mail SET state = 'failed', reason = 'no right', revision = 1,"
        " arrival = %s - raw_offset",
        COUNT,
    )
    async with scene.store.transaction() as connection:
        selected = await select(connection, ["failed"], reason="NO RIGHT")
    assert list(selected.mail_ids) == mail_ids[::-1]
    requested = await ask_selected_again(
        scene.store.transaction, selected.mail_ids, Order(author="ann"), scene.clock
    )
    assert requested == COUNT
    while await scene.refetches.serve():
        pass
    assert await scene.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state") == [
        ("fetched", COUNT)
    ]
    assert await scene.rows("SELECT 1 FROM refetch") == []
    records = await asyncio.to_thread(fetched_records, scene.settings)
    assert [record.mail_id for record in records[COUNT:]] == mail_ids[::-1]
