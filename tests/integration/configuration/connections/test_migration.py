"""Connections of the release before: migrated, and written by it beside this release."""

from __future__ import annotations

import psycopg
import pytest
from pydantic import SecretStr

from postrail.configuration import store
from postrail.configuration.load import outgoing_connections
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection, one_connection
from postrail.settings import DatabaseSettings
from tests.makers.configuration import outgoing_connection
from tests.makers.records import NOON
from tests.servers.databases import migrate_filled

NUMBER = 45
COLUMNS = (
    "name, description, enabled, is_default, host, port, encryption, username, password,"
    " from_address, from_name, bounce_address, timeout_seconds, ca_file, verify_certificate"
)


def insert(
    name: str,
    seconds: float,
    *,
    host: str = "smtp.example.org",
    encryption: str = "none",
    username: str = "",
) -> str:
    """Returns the statement by which the release before adds or replaces a connection."""
    sets = ", ".join(f"{one} = excluded.{one}" for one in COLUMNS.split(", "))
    return (
        f"INSERT INTO outgoing_connection ({COLUMNS}) VALUES ('{name}', '', true, false, '{host}',"
        f" 25, '{encryption}', '{username}', 'env:POSTRAIL_SECRET_X', 'desk@example.org', '', '',"
        f" {seconds}, '', true) ON CONFLICT (name) DO UPDATE SET {sets};"
    )


async def connections(url: str) -> dict[str, OutgoingConnection]:
    async with one_connection(DatabaseSettings(url=SecretStr(url))) as connection:
        return {one.name: one for one in await outgoing_connections(connection)}


async def execute(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("given", "timeout_ms", "plain"),
    [
        ({"seconds": 30.0}, 30_000, False),
        ({"seconds": 0.1}, 100, False),
        ({"seconds": 300}, 30_000, False),
        ({"seconds": 5, "username": "u"}, 5_000, True),
        ({"seconds": 5, "username": "u", "host": "127.0.0.1"}, 5_000, False),
        ({"seconds": 5, "username": "u", "host": "LocalHost"}, 5_000, False),
        ({"seconds": 5, "username": "u", "host": "127.255.1.20"}, 5_000, False),
        ({"seconds": 5, "username": "u", "host": "::1"}, 5_000, False),
        # Other names that begin so are those of other machines.
        ({"seconds": 5, "username": "u", "host": "127.1"}, 5_000, True),
        ({"seconds": 5, "username": "u", "host": "127.0.0.256"}, 5_000, True),
        ({"seconds": 5, "username": "u", "host": "127.mail.example"}, 5_000, True),
        ({"seconds": 5, "username": "u", "encryption": "ssl"}, 5_000, False),
    ],
)
async def test_it_is_migrated(
    empty_database_url: str, given: dict[str, object], timeout_ms: int, plain: bool
) -> None:
    statement = insert("old", **given)  # type: ignore[arg-type]
    names = await migrate_filled(empty_database_url, NUMBER, statement)
    assert names[0] == "0045_connections.sql"
    found = (await connections(empty_database_url))["old"]
    assert (found.timeout_ms, found.allow_plain_login) == (timeout_ms, plain)


async def test_both_releases_write_and_read_the_timeout(database_url: str) -> None:
    await execute(database_url, insert("out", 5, encryption="ssl"))
    assert (await connections(database_url))["out"].timeout_ms == 5_000
    await execute(database_url, insert("out", 7.5, encryption="none", username="u"))
    changed = (await connections(database_url))["out"]
    assert (changed.timeout_ms, changed.allow_plain_login) == (7_500, True)

    settings = DatabaseSettings(url=SecretStr(database_url))
    async with one_connection(settings) as connection:
        for timeout_ms in (1_500, 2_500):
            thing = outgoing_connection(name="out", timeout_ms=timeout_ms)
            await store.save(connection, thing, before=None, author="t", now=NOON)
            assert await seconds(connection) == timeout_ms / 1000
        added = outgoing_connection(name="new", timeout_ms=250, is_default=False)
        await store.save(connection, added, before=None, author="t", now=NOON)
        assert await seconds(connection, "new") == 0.25


async def seconds(connection: Connection, name: str = "out") -> float:
    found = await connection.execute(
        "SELECT timeout_seconds FROM outgoing_connection WHERE name = %s", [name]
    )
    row = await found.fetchone()
    assert row is not None
    return float(row[0])


async def test_every_attribute_is_stored_and_read(database_url: str) -> None:
    given = outgoing_connection(
        encryption="starttls_if_available",
        reply_to="answers@example.com",
        subject_prefix="[Desk]",
        precedence_bulk=False,
        max_bytes=5_000_000_000,
        mails_per_minute=0,
        channels=3,
        fallback="spare",
        dkim_domain="example.com",
        dkim_selector="desk",
        dkim_key="env:POSTRAIL_SECRET_DKIM",
        ehlo_name="desk.example.com",
        min_tls_version="1.3",
        debug=True,
    )
    graph = outgoing_connection(
        name="graph",
        host="",
        is_default=False,
        mode="graph",
        credential="microsoft",
        microsoft_host="us_dod",
        shared_mailbox="support@example.com",
    )
    settings = DatabaseSettings(url=SecretStr(database_url))
    async with one_connection(settings) as connection:
        for thing in (given, graph):
            await store.save(connection, thing, before=None, author="t", now=NOON)
    assert await connections(database_url) == {"out": given, "graph": graph}
