"""Snapshots of a real database carry the change that they were read at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from postrail.clock import SettableClock
from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.kind import Kind
from postrail.configuration.load import CachedSnapshot, load_snapshot, snapshot_at
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.configuration.project_rows import PROJECT
from postrail.database import Connection, one_connection, rows
from postrail.errors import InstallationFault, PermanentError
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
    read, changed = store.read, False

    async def change_before_the_projects(connection: Connection, kind: Kind[Any]) -> list[Any]:
        nonlocal changed
        if kind is PROJECT and not changed:
            changed = True
            async with one_connection(database) as other:
                await save(other, Project(key="LATE", name="Late"), OUT)
        return await read(connection, kind)

    monkeypatch.setattr(store, "read", change_before_the_projects)
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


async def change(connection: Connection, before: Configured, after: Configured) -> None:
    await store.save(connection, after, before=before, author="test", now=NOW)


async def test_a_snapshot_is_returned_as_it_was_at_each_change(database: DatabaseSettings) -> None:
    then = [
        MailHandler.model_validate(
            {
                "name": "rest",
                "when": {"any": [{"subject contains": "a"}, {"header X-A exists": True}]},
                "then": [{"set": {"type": "Bug", "labels": ["x"]}}, {"quarantine": "held"}],
                "fields": {"Room": {"from": "header X-Room", "pattern": "r(.*)"}, "Floor": "2"},
                "jira_parameters": "issuetype=1, createusers=true",
            }
        ),
        MailHandler(name="rest", order=7),
    ]
    project, account = Project(key="HELP", name="Help"), mail_account("support")
    async with one_connection(database) as connection:
        known = [await load_snapshot(connection)]
        for thing in (OUT, project, account, then[0]):
            await save(connection, thing)
            known.append(await load_snapshot(connection))
        for before, after in [
            (then[0], then[1]),
            (project, project.model_copy(update={"statuses": project.statuses[:2]})),
            (account, account.model_copy(update={"authserv_ids": ["mx.example.com"]})),
            (OUT, OUT.model_copy(update={"from_address": "b@b.org"})),
        ]:
            await change(connection, before, after)
            known.append(await load_snapshot(connection))
        for snapshot in known:
            assert await snapshot_at(connection, snapshot.change_id) == snapshot


async def test_a_snapshot_of_an_earlier_time_hides_stored_passwords(
    database: DatabaseSettings,
) -> None:
    account = mail_account("support", password="postrail:v1:sealed")
    async with one_connection(database) as connection:
        await save(connection, Project(key="HELP", name="Help"), account)
        then = await store.latest_change_id(connection)
        await change(connection, account, account.model_copy(update={"username": "x"}))
        found = (await snapshot_at(connection, then)).accounts["support"]
    assert (found.username, found.password) == ("support", "(secret)")


async def test_values_that_this_release_does_not_understand_are_named(
    database: DatabaseSettings,
) -> None:
    async with one_connection(database) as connection:
        await save(connection, OUT)
        then = await store.latest_change_id(connection)
        await change(connection, OUT, OUT)
        await connection.execute(
            "UPDATE configuration_change SET before = jsonb_set(before, '{encryption}', '\"odd\"')"
        )
        with pytest.raises(PermanentError, match="'out' was configured by another release"):
            await snapshot_at(connection, then)
