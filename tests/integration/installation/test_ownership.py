"""A database belongs to one instance: others refuse to work, adopt it, or only observe it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.database import Pool, open_pool, transaction
from postrail.errors import ConfigurationError, TransientError
from postrail.instance import adopt, claim, migrate, owner, require_own
from postrail.settings import Settings
from tests.processes.fetcher_process import configure, fetcher

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    found = await open_pool(settings.database)
    yield found
    await found.close()


async def test_the_first_instance_becomes_the_owner_and_others_are_refused(pool: Pool) -> None:
    await require_own(pool, "production", NOW)
    await require_own(pool, "production", NOW)
    with pytest.raises(ConfigurationError) as caught:
        await require_own(pool, "staging", NOW)
    words = str(caught.value)
    assert "belongs to the instance 'production' since 2026-01-01 00:00 UTC" in words
    assert "this is the instance 'staging'" in words
    assert "postrail instance adopt staging" in words
    assert "POSTRAIL_OBSERVER=true" in words


async def test_the_instance_that_adopts_it_becomes_the_owner(pool: Pool) -> None:
    async with transaction(pool) as connection:
        assert await adopt(connection, "staging", NOW) is None
        before = await adopt(connection, "production", NOW)
        assert before is not None
        assert before.name == "staging"
        found = await owner(connection)
    assert found is not None
    assert found.name == "production"
    with pytest.raises(ConfigurationError):
        await require_own(pool, "staging", NOW)


async def test_of_two_concurrent_starts_one_becomes_the_owner(pool: Pool) -> None:
    results = await asyncio.gather(
        *(require_own(pool, name, NOW) for name in ("a", "b") * 3), return_exceptions=True
    )
    assert sum(result is None for result in results) == 3


async def test_a_migration_sets_the_owner_and_refuses_another_instance(
    settings: Settings, empty_database_url: str
) -> None:
    values = settings.model_dump()
    values["database"]["url"] = empty_database_url
    database = Settings.model_validate(values).database
    assert await migrate(database, "production", NOW)
    assert await migrate(database, "production", NOW) == []
    with pytest.raises(ConfigurationError, match="'production'"):
        await migrate(database, "staging", NOW)


async def test_an_observers_sessions_cannot_write(settings: Settings) -> None:
    values = settings.model_dump() | {"observer": True}
    values["database"]["url"] = settings.database.url
    observer = Settings.model_validate(values)
    found = await open_pool(observer.database)
    try:
        async with transaction(found) as connection:
            assert await owner(connection) is None
        with pytest.raises(TransientError, match=r"read-only.*An observer changes nothing"):
            async with transaction(found) as connection:
                await claim(connection, "observer", NOW)
    finally:
        await found.close()


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("service", ["fetcher", "handler", "sender"])
async def test_a_service_of_another_name_refuses(
    service: str, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    await configure(settings, [])
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute("INSERT INTO instance VALUES (true, 'production', now())")
    other = {**environment, "POSTRAIL_INSTANCE": "staging"}
    log = tmp_path / "log"
    with fetcher(other, log, f"services.{service}") as process:
        assert await asyncio.to_thread(process.wait, 60) == 2
    assert "belongs to the instance 'production'" in log.read_text()
    assert "postrail instance adopt staging" in log.read_text()


def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_shows_the_owner_refuses_and_adopts(
    settings: Settings, environment: dict[str, str]
) -> None:
    production = {**environment, "POSTRAIL_INSTANCE": "production"}
    staging = {**environment, "POSTRAIL_INSTANCE": "staging"}
    assert command(production, "migrate")[0] == 0
    code, words = command(staging, "migrate")
    assert (code, "belongs to the instance 'production'" in words) == (2, True)
    code, words = command(staging, "status")
    assert "the database belongs to production" in " ".join(words.split())
    code, words = command(staging, "doctor")
    assert (code, "postrail instance adopt staging" in words) == (1, True)
    code, words = command(staging, "instance", "adopt", "production")
    assert (code, "is called 'staging'" in words) == (2, True)
    assert command(staging, "instance", "adopt", "staging") == (
        0,
        "The database now belongs to staging; before, it belonged to production.\n",
    )
    assert command(staging, "instance", "adopt", "staging")[1].endswith("already.\n")
    assert "staging" in command(production, "instance", "show")[1]
    assert query(settings, "SELECT name FROM instance") == [("staging",)]


# Commands that write, into PostgreSQL or elsewhere.
WRITERS = [
    ("migrate",),
    ("topics", "apply"),
    ("blobs", "collect"),
    ("secrets", "reseal"),
    ("instance", "adopt", "postrail"),
    ("issues", "comment", "HELP-1", "Text"),
    ("mail", "retry", "00000000-0000-0000-0000-000000000001"),
]


@pytest.mark.parametrize("arguments", WRITERS)
def test_an_observer_is_refused_each_command_that_writes(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    code, words = command({**environment, "POSTRAIL_OBSERVER": "true"}, *arguments)
    assert (code, "this is an observer, which changes nothing" in words) == (2, True), words


def test_an_observer_can_run_commands_that_read(environment: dict[str, str]) -> None:
    observer = {**environment, "POSTRAIL_OBSERVER": "true", "POSTRAIL_SECRETS__KEYS": ""}
    for arguments in (("mail", "list"), ("issues", "list"), ("outgoing", "list"), ("status",)):
        code, words = command(observer, *arguments)
        assert code == 0, words
    assert "an observer: queues are not processed here" in " ".join(words.split())
    _, words = command(observer, "doctor")
    assert "an observer of a database without an owner" in words
    assert "nor logs in anywhere" in words
