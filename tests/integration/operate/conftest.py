"""A database that a package's tests configure as they need, and a desk for acts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from postrail.database import Pool, open_pool
from postrail.operate.issues.act import Desk
from postrail.settings import DatabaseSettings
from tests.integration.operate.issues.scene import LATER, new_issue
from tests.makers.acts import desk_at

Configure = Callable[[Pool], Awaitable[None]]


@pytest.fixture
async def pool(database_url: str, configured_by: Configure) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    await configured_by(opened)
    yield opened
    await opened.close()


@pytest.fixture
def desk(pool: Pool) -> Desk:
    """Returns a desk whose acts are an hour later than the issues."""
    return desk_at(LATER, pool)


@pytest.fixture
async def issue(pool: Pool) -> str:
    """Makes an issue of HELP by a message of ada@example.org, who watches it."""
    return await new_issue(pool)
