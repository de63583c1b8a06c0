"""A postrail.yaml becomes rows in PostgreSQL, with its author, all or nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from postrail.configuration import load, store
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.plan import Plan
from postrail.configuration.yaml_read import parse_file
from postrail.database import Connection, one_connection, rows
from postrail.operate.reseal import reseal
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings

KEY = generate_key()
SECRETS = Secrets(SecretSettings(keys=SecretStr(KEY)))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = (Path(store.__file__).parent / "example.yaml").read_text()
PLAIN = FILE.replace("env:POSTRAIL_SECRET_SMTP", "smtp secret").replace(
    "env:POSTRAIL_SECRET_IMAP", "imap secret"
)


async def apply(connection: Connection, text: str, *, dry_run: bool = False) -> Plan:
    return await apply_entries(
        connection,
        parse_file(text, "f"),
        SECRETS,
        file="f",
        author="me",
        now=NOW,
        dry_run=dry_run,
    )


@pytest.fixture
def database(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(database_url))


async def test_the_example_is_applied_and_read_again(database: DatabaseSettings) -> None:
    async with one_connection(database) as connection:
        plan = await apply(connection, FILE)
        assert plan.count("created") == 6
        (account,) = await load.mail_accounts(connection)
        (outgoing,) = await load.outgoing_connections(connection)
        (project,) = await load.projects(connection)
        (person,) = await load.people(connection)
    assert (account.name, account.project, account.port) == ("help", "HELP", 993)
    assert account.password == "env:POSTRAIL_SECRET_IMAP"
    assert (outgoing.name, outgoing.is_default, outgoing.port) == ("outgoing", True, 587)
    assert (project.key, [one.name for one in project.issue_types]) == (
        "HELP",
        ["Request", "Incident"],
    )
    assert person.address == "agent@example.org"


async def test_applying_again_changes_and_records_nothing(database: DatabaseSettings) -> None:
    async with one_connection(database) as connection:
        await apply(connection, PLAIN)
    async with one_connection(database) as connection:
        plan = await apply(connection, PLAIN)
        changes = await rows(connection, "SELECT kind FROM configuration_change ORDER BY kind")
    assert plan.count("unchanged") == 6
    assert [row[0] for row in changes] == [
        "account",
        "connection",
        "handler",
        "handler",
        "person",
        "project",
    ]


async def test_a_dry_run_writes_nothing(database: DatabaseSettings) -> None:
    async with one_connection(database) as connection:
        assert (await apply(connection, PLAIN, dry_run=True)).count("created") == 6
    async with one_connection(database) as connection:
        assert await load.mail_accounts(connection) == []


async def test_a_fault_writes_nothing_of_the_file(database: DatabaseSettings) -> None:
    with pytest.raises(ConfigurationFileError, match="there is no project 'DESK'"):
        async with one_connection(database) as connection:
            await apply(connection, PLAIN.replace("project: HELP", "project: DESK"))
    async with one_connection(database) as connection:
        assert await load.outgoing_connections(connection) == []


async def test_changes_are_noted_with_author_and_values_but_never_secrets(
    database: DatabaseSettings,
) -> None:
    async with one_connection(database) as connection:
        await apply(connection, PLAIN)
        await apply(
            connection,
            PLAIN.replace("imap secret", "new secret")
            .replace("folder: INBOX", "folder: Help")
            .replace("# strip_quotations: true", "strip_quotations: false"),
        )
        found = await rows(
            connection,
            "SELECT author, changed_at, before, after FROM configuration_change"
            " WHERE kind = 'account' AND name = 'help' ORDER BY change_id",
        )
        everything = await rows(
            connection, "SELECT row_to_json(c)::text FROM configuration_change c"
        )
        (account,) = await load.mail_accounts(connection)
    created, changed = found
    assert created[:3] == ("me", NOW, None)
    assert (changed[2]["folder"], changed[3]["folder"]) == ("INBOX", "Help")
    assert (changed[2]["strip_quotations"], account.strip_quotations) == (True, False)
    assert (changed[2]["password"], changed[3]["password"]) == ("(secret)", "(new secret)")
    written = "".join(row[0] for row in everything)
    assert "imap secret" not in written
    assert "sealed:" not in written
    assert SECRETS.reveal(account.password) == "new secret"


async def test_issue_types_that_are_gone_are_removed_and_numbers_go_on(
    database: DatabaseSettings,
) -> None:
    async with one_connection(database) as connection:
        await apply(connection, FILE)
        await connection.execute("INSERT INTO issue_numbering SELECT project_key, 8 FROM project")
        await apply(connection, FILE.replace("[Request, Incident]", "[Change, Request]"))
        (project,) = await load.projects(connection)
        numbers = await rows(connection, "SELECT next_number FROM issue_numbering")
    assert [one.name for one in project.issue_types] == ["Change", "Request"]
    assert numbers == [(8,)]


async def test_resealing_uses_the_first_key_and_keeps_references(
    database: DatabaseSettings,
) -> None:
    new = generate_key()
    both = Secrets(SecretSettings(keys=SecretStr(f"{new},{KEY}")))
    only_new = Secrets(SecretSettings(keys=SecretStr(new)))
    async with one_connection(database) as connection:
        await apply(connection, PLAIN.replace("smtp secret", "env:POSTRAIL_SECRET_SMTP"))
        assert await reseal(connection, both, author="me", now=NOW) == 1
        assert await reseal(connection, both, author="me", now=NOW) == 0
        (account,) = await load.mail_accounts(connection)
        (outgoing,) = await load.outgoing_connections(connection)
    assert only_new.reveal(account.password) == "imap secret"
    assert outgoing.password == "env:POSTRAIL_SECRET_SMTP"


async def test_concurrent_applies_write_one_after_the_other(database: DatabaseSettings) -> None:
    async def once() -> Plan:
        async with one_connection(database) as connection:
            return await apply(connection, PLAIN)

    plans = await asyncio.gather(once(), once())
    assert sorted(plan.count("created") for plan in plans) == [0, 6]
