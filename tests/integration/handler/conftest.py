"""The handler under test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from postrail.database import Pool, open_pool, rows, transaction
from postrail.operate.explain import decide_again
from postrail.settings import Settings
from postrail.views.incoming import incoming_mail
from tests.integration.handler.bench import Bench, configure


async def decided_again(pool: Pool) -> None:
    """Decides each handled message again, by its stored facts and the configuration of its time."""
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT mail_id::text FROM incoming_mail WHERE trace ? 'change_id'"
            " AND state IN ('done', 'quarantined', 'failed')",
        )
        for (mail_id,) in found:
            again = await decide_again(connection, await incoming_mail(connection, mail_id))
            assert again.notes == (), again.notes


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings, pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    try:
        await decided_again(pool)
    finally:
        await made.close()
        await pool.close()
