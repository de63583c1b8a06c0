"""Snapshots of a real database carry the change that they were read at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from postrail.clock import SettableClock
from postrail.configuration import load, store
from postrail.configuration.configured import Configured
from postrail.configuration.load import CachedSnapshot, load_snapshot
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.database import Connection, one_connection, rows
from postrail.errors import InstallationFault
from postrail.settings import DatabaseSettings
from tests.makers.configuration import mail_account

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OUT = OutgoingConnection(name="out", host="localhost", from_address="a@b.org", is_default=True)


@pytest.fixture
def database(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(database_url))


async def save(connection: Connection, *things: Configured) -> None:
    for thing in things:
        await store.save(connection, thing, before=None, author="test", now=NOW)


async def test_a_snapshot_has_the_greatest_change_id_or_0(database: DatabaseSettings) -> None:
    async with one_connection(database) as connection:
        empty = await load_snapshot(connection)
        assert (empty.change_id, empty.connections) == (0, {})
        await save(connection, OUT, Project(key="HELP", name="Help"))
        snapshot = await load_snapshot(connection)
        [(greatest,)] = await rows(connection, "SELECT max(change_id) FROM configuration_change")
    assert snapshot.change_id == greatest > 0
    assert list(snapshot.projects) == ["HELP"]
    assert snapshot.connection_for("HELP") == OUT


async def test_a_change_between_two_statements_is_in_the_snapshot_with_its_id(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_projects, changed = load.projects, False

    async def change_after_the_accounts(connection: Connection) -> list[Project]:
        nonlocal changed
        if not changed:
            changed = True
            async with one_connection(database) as other:
                await save(other, Project(key="LATE", name="Late"), OUT)
        return await read_projects(connection)

    monkeypatch.setattr(load, "projects", change_after_the_accounts)
    async with one_connection(database) as connection:
        snapshot = await load_snapshot(connection)
        assert snapshot.change_id == await store.latest_change_id(connection) > 0
    assert (list(snapshot.projects), list(snapshot.connections)) == (["LATE"], ["out"])


async def test_a_cached_snapshot_is_read_again_after_each_change(
    database: DatabaseSettings,
) -> None:
    cache = CachedSnapshot(SettableClock(NOW))
    async with one_connection(database) as connection:
        assert (await cache.current(connection)).change_id == 0
        await save(connection, OUT)
        assert (await cache.current(connection)).connections == {"out": OUT}


async def test_what_no_change_records_is_found_after_5_seconds(database: DatabaseSettings) -> None:
    clock = SettableClock(NOW)
    cache = CachedSnapshot(clock)
    async with one_connection(database) as connection:
        await save(connection, OUT)
        await cache.current(connection)
        await connection.execute("DELETE FROM outgoing_connection")
        clock.move(5)
        assert (await cache.current(connection)).connections == {"out": OUT}
        clock.move(1)
        assert (await cache.current(connection)).connections == {}


async def test_a_cached_snapshot_that_lacks_a_mailbox_is_read_again_at_once(
    database: DatabaseSettings,
) -> None:
    cache = CachedSnapshot(SettableClock(NOW))
    async with one_connection(database) as connection:
        await save(connection, Project(key="HELP", name="Help"), mail_account("support"))
        await cache.current(connection)
        # As a restored database has it: another content, and no change that says so.
        await connection.execute("UPDATE mail_account SET name = 'desk'")
        assert list((await cache.current(connection, {"support"})).accounts) == ["support"]
        assert list((await cache.current(connection, {"desk"})).accounts) == ["desk"]
        assert list((await cache.current(connection, {"support"})).accounts) == ["desk"]


async def test_rows_that_are_not_valid_concern_the_installation_and_no_message(
    database: DatabaseSettings,
) -> None:
    cache = CachedSnapshot(SettableClock(NOW))
    async with one_connection(database) as connection:
        await save(connection, OUT)
        await connection.execute("UPDATE outgoing_connection SET encryption = 'odd'")
        with pytest.raises(InstallationFault, match="'out' in the database: encryption"):
            await cache.current(connection)
