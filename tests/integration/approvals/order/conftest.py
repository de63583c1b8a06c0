"""A handler with an approval setup."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from postrail.database import open_pool
from postrail.settings import Settings
from tests.integration.approvals.order.disorder import set_up
from tests.integration.handler.bench import Bench, configure
from tests.integration.handler.conftest import decided_again


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings, pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    await set_up(made)
    yield made
    try:
        # Deciding again has no effect, and the same result.
        await decided_again(pool)
    finally:
        await made.close()
        await pool.close()
