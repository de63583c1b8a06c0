"""A handler that bundles what follows an event within a minute, and an issue that people watch."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from postrail.database import open_pool
from postrail.settings import NotificationSettings, Settings
from tests.integration.handler.bench import Bench, configure
from tests.integration.handler.bundles.bundling import AGENT, ANN, WINDOW, watch
from tests.makers.records import mail_parsed


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    bundling = NotificationSettings(bundle_seconds=WINDOW)
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings.model_copy(update={"notifications": bundling}), pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()
    await pool.close()


@pytest.fixture
async def issue(bench: Bench) -> int:
    """Makes HELP-1, which Ann and an agent watch, a day before the events of the test."""
    await bench.handle(mail_parsed())
    bench.clock.move(24 * 3600)
    ((issue_id,),) = await bench.rows("SELECT issue_id FROM issue_index")
    await watch(bench, issue_id, ANN, AGENT)
    return int(issue_id)
