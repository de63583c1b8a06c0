"""A second installation, with a database and a key of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from postrail.database import migrate, open_pool
from postrail.settings import Settings
from tests.integration.handler.bench import Bench, configure
from tests.makers.configuration import mail_account, outgoing_connection
from tests.makers.settings import environment_of, settings_of
from tests.servers import databases


@pytest.fixture
def other_settings(
    broker: str, postgres_server: str, run_folder: Path, tmp_path: Path
) -> Iterator[Settings]:
    lock_file = run_folder / "postgres" / "template.lock"
    template = databases.migrated_template(postgres_server, lock_file, migrate)
    url = databases.create_database(postgres_server, template=template)
    folder = tmp_path / "other"
    folder.mkdir()
    yield settings_of(environment_of(folder, bootstrap_servers=broker, database_url=url))
    databases.drop_database(postgres_server, url)


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    """Makes the desk of the other tests, with the limits that an installation has."""
    pool = await open_pool(settings.database)
    await configure(pool, limits=())
    made = Bench(settings, pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()
    await pool.close()


@pytest.fixture
async def other(other_settings: Settings) -> AsyncIterator[Bench]:
    """Makes a desk whose mailbox support is help@other.example."""
    pool = await open_pool(other_settings.database)
    await configure(pool, limits=())
    made = Bench(other_settings, pool, b"another key")
    await made.save(
        mail_account("support", address="help@other.example"),
        outgoing_connection(from_address="help@other.example"),
    )
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()
    await pool.close()
