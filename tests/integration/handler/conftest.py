"""The handler under test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from postrail.database import open_pool
from postrail.settings import Settings
from tests.integration.handler.bench import Bench, configure


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings, pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()
    await pool.close()
