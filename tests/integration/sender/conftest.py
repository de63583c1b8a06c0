"""Senders as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postrail.database import Pool, open_pool
from postrail.settings import Settings
from tests.integration.sender.bench import Bench
from tests.processes.sender_lab import SenderLab, make_lab


@pytest.fixture
async def lab(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[SenderLab]:
    made = await make_lab(environment, tmp_path)
    yield made
    await made.close()
    await made.pool.close()


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    opened = await open_pool(settings.database)
    yield opened
    await opened.close()


@pytest.fixture
async def bench(settings: Settings, pool: Pool) -> AsyncIterator[Bench]:
    made = Bench(settings, pool)
    yield made
    await made.close()
