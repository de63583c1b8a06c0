"""A handler with an approval setup, and an issue whose project lets it follow decisions."""

from __future__ import annotations

import pytest

from tests.integration.handler.approval_times.scene import configure
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed


@pytest.fixture
async def approving(bench: Bench) -> Bench:
    await configure(bench)
    return bench


@pytest.fixture
async def issue(approving: Bench) -> str:
    """Makes HELP-1."""
    await approving.handle(mail_parsed())
    return "HELP-1"
