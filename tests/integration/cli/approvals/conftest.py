"""Commands on an installation with people and an approval setup."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postrail.database import open_pool
from postrail.settings import Settings
from tests.integration.operate.approvals.scene import configure
from tests.integration.operate.issues.scene import new_issue
from tests.makers.commands import Postrail, commands_in


@pytest.fixture
def postrail(
    settings: Settings,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Postrail:
    asyncio.run(_configured(settings))
    return commands_in(tmp_path, environment, monkeypatch, capfdbinary)


async def _configured(settings: Settings) -> None:
    """Saves people, projects and setups, and makes the issue HELP-1."""
    pool = await open_pool(settings.database)
    try:
        await configure(pool)
        await new_issue(pool)
    finally:
        await pool.close()
