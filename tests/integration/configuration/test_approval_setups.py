"""Approval setups and accounts with the login of a connection, in a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from postrail.configuration.apply import apply_entries, reseal
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.connections import acts
from postrail.configuration.entry import Entry
from postrail.configuration.load import approval_setups, load_snapshot, mail_accounts
from postrail.configuration.yaml_read import parse_file
from postrail.database import Connection, one_connection
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from tests.makers.records import NOON
from tests.unit.configuration.approvals.file import SECRETS, file_of, the

STATUSES: list[dict[str, Any]] = [
    {"name": "Open", "category": "to do"},
    {
        "name": "Released",
        "category": "done",
        "needs_approval": True,
        "approval_setup": "releases",
        "approvers": ["lena@example.org", "group:ops"],
        "approval_rule": "order",
    },
]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        yield connection


async def apply(connection: Connection, text: str, secrets: Secrets = SECRETS) -> None:
    entries: list[Entry] = parse_file(text, "f")
    await apply_entries(connection, entries, secrets, file="f", author="test", now=NOON)


async def test_what_is_stored_is_what_was_given(connection: Connection) -> None:
    setup = {
        "words": {"de": {"approve": ["gut"], "reject": ["schlecht"]}},
        "callback_secret": "h3ush",
        "callback_hosts": ["deploy.internal"],
        "page_url": "https://desk.example.org/",
    }
    text = file_of(setup=setup, project={"statuses": STATUSES})
    await apply(connection, text)
    (stored,) = await approval_setups(connection)
    given = the(ApprovalSetup, [entry.thing for entry in parse_file(text, "f")])
    assert SECRETS.reveal(stored.callback_secret) == "h3ush"
    assert stored.model_copy(update={"callback_secret": "h3ush"}) == given
    assert stored.page_url == "https://desk.example.org"
    snapshot = await load_snapshot(connection)
    assert snapshot.approval_setup_of("answers") == stored
    released = snapshot.projects["HELP"].statuses[1]
    assert released.approvers == ["lena@example.org", "group:ops"]
    assert (released.approval_rule, released.approval_setup) == ("order", "releases")


async def test_a_new_password_of_the_connection_is_that_of_the_account(
    connection: Connection,
) -> None:
    for password in ("s3cret", "n3w"):
        await apply(connection, file_of(connection={"password": password}))
        (account,) = await mail_accounts(connection)
        assert SECRETS.reveal(account.password) == password
    snapshot = await load_snapshot(connection)
    assert snapshot.accounts["answers"] == account


async def test_secrets_are_sealed_again_with_a_new_key(connection: Connection) -> None:
    old, new = generate_key(), generate_key()
    secrets = Secrets(SecretSettings(keys=SecretStr(old)))
    await apply(connection, file_of(setup={"callback_secret": "h3ush"}), secrets)
    both = Secrets(SecretSettings(keys=SecretStr(f"{new},{old}")))
    # The connection's password, and the secret of callbacks: the account has none of its own.
    assert await reseal(connection, both, author="test", now=NOON) == 2
    (setup,) = await approval_setups(connection)
    alone = Secrets(SecretSettings(keys=SecretStr(new)))
    assert alone.reveal(setup.callback_secret) == "h3ush"


async def test_a_connection_that_is_used_is_not_deleted(connection: Connection) -> None:
    second = {"name": "spare", "host": "smtp.example.net", "from_address": "d@example.net"}
    text = file_of(connection={"is_default": True}, connections=[second])
    await apply(connection, text)
    with pytest.raises(ConfigurationError, match="account answers, which logs in as it does"):
        await acts.delete(connection, "out", author="test", now=NOON)
    await apply(connection, "approvals: [{name: releases, connection: spare}]")
    with pytest.raises(ConfigurationError, match="is used by approval setup releases"):
        await acts.delete(connection, "spare", author="test", now=NOON)
