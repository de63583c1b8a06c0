"""Senders as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.processes.sender_lab import SenderLab, make_lab


@pytest.fixture
async def lab(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[SenderLab]:
    made = await make_lab(environment, tmp_path)
    yield made
    await made.close()
    await made.pool.close()
