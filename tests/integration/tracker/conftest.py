"""A pool of connections to a database with the projects HELP and SALE."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from postrail.configuration import store
from postrail.configuration.models.project import Project
from postrail.database import Pool, open_pool, transaction
from postrail.settings import DatabaseSettings
from tests.makers.records import NOON


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(opened) as connection:
        for key in ("HELP", "SALE"):
            project = Project(key=key, name=key.title())
            await store.save(connection, project, before=None, author="test", now=NOON)
    yield opened
    await opened.close()
