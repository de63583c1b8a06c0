"""`postrail accounts` on real servers: the status of mailboxes, and changes of accounts."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.database import one_connection, rows
from postrail.errors import ConfigurationError
from postrail.incoming.fetched import FetchedRow, UnreadableRow, record_fetched, record_unreadable
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox_state import last_contact as contact
from postrail.mailbox_state import sync_state
from postrail.records import MailboxCheckRequested
from postrail.settings import Settings
from postrail.stream.reader import tail
from postrail.stream.topics import MAILBOX_CHECK_REQUESTED, apply_topics
from tests.makers.commands import Postrail

FILE = """
connections:
  - {name: out, host: smtp.example.org, from_address: desk@example.org}
projects:
  - {key: HELP, name: Help desk}
accounts:
  - {name: help, host: imap.example.org, username: help, password: "env:POSTRAIL_SECRET_HELP",
     address: help@example.org, project: HELP}
  - {name: sales, host: imap.example.org, username: sales, password: "a secret",
     address: sales@example.org, project: HELP, folder: Kunden}
  - {name: old, host: imap.example.org, username: help, password: "file:old", enabled: false,
     address: old@example.org, project: HELP}
"""


@pytest.fixture
def postrail(postrail: Postrail, tmp_path: Path) -> Postrail:
    """Runs commands on an installation with three accounts."""
    (tmp_path / "postrail.yaml").write_text(FILE)
    assert postrail("apply")[0] == 0
    return postrail


def fill(settings: Settings) -> None:
    """Writes that `help` was read and has failures, and that the login of `sales` fails."""

    async def write() -> None:
        now = SystemClock().now()
        async with one_connection(settings.database) as connection:
            state = await sync_state.begin(connection, "help", "INBOX", 77, now)
            fetched = [_fetched("help", now - age) for age in AGES]
            await record_fetched(connection, fetched)
            await record_unreadable(connection, [_unreadable(now)])
            moved = sync_state.SyncState(
                mailbox="help", folder="INBOX", uid_validity=77, last_uid=9, finished_uid=8
            )
            assert state.last_uid == 0
            await sync_state.advance(connection, moved, now)
            await contact.failed(connection, "help", MailboxUnavailable("gone"), now)
            await contact.reached(connection, "help", now)
            error = ConfigurationError(
                "login of\0 sales refused", setting="password", remedy="Correct it"
            )
            await contact.failed(connection, "sales", MailboxUnavailable("closed"), now)
            await contact.failed(connection, "sales", error, now + timedelta(hours=1))

    asyncio.run(write())


# Fetched just now, unaccounted for, and too long ago for the count of 24 hours.
AGES = (timedelta(), timedelta(hours=2), timedelta(hours=30))


def _fetched(mailbox: str, when: object) -> FetchedRow:
    return FetchedRow(
        mail_id=str(uuid.uuid4()),
        mailbox=mailbox,
        source="INBOX;uidvalidity=77;uid=1",
        size=10,
        received_at=None,
        fetched_at=when,  # type: ignore[arg-type]
        raw_partition=0,
        raw_offset=1,
        blob=None,
    )


def _unreadable(now: object) -> UnreadableRow:
    return UnreadableRow(
        mail_id=str(uuid.uuid4()),
        mailbox="help",
        source="INBOX;uidvalidity=77;uid=9",
        size=10,
        reason="could not be fetched: no",
        tried_at=now,  # type: ignore[arg-type]
        again_at=now,  # type: ignore[arg-type]
    )


def test_list_has_the_status_of_each_mailbox(postrail: Postrail, settings: Settings) -> None:
    fill(settings)
    code, output, _ = postrail("accounts", "list", "--json")
    assert code == 0
    answer = {account["name"]: account for account in json.loads(output)}
    assert list(answer) == ["help", "old", "sales"]
    standing = answer["help"]["standing"]
    assert [standing[name] for name in ("fetched_in_24_hours", "failed", "unaccounted")] == [
        3,
        1,
        2,
    ]
    assert standing["folders"][0]["last_uid"] == 9
    assert standing["contact"]["problem"] == ""
    wrong = answer["sales"]["standing"]["contact"]
    assert wrong["problem"] == "login of sales refused"
    # The time of the first fault in a row.
    assert wrong["problem_since"] == standing["contact"]["reached_at"]
    assert answer["sales"]["password"] == "(secret)"
    table = postrail("accounts", "list")[1]
    assert "login of sales refused\n  Remedy: Correct it\n" in table
    words = [line.split()[5] for line in table.splitlines()[1:4]]
    assert words == ["ok", "disabled", "wrong"]
    assert "a secret" not in output + table


def test_show_has_every_attribute_and_the_last_failures(
    postrail: Postrail, settings: Settings
) -> None:
    fill(settings)
    code, output, _ = postrail("accounts", "show", "help")
    assert code == 0
    for words in (
        "env:POSTRAIL_SECRET_HELP",
        "imap.example.org",
        "INBOX: up to UID 9 of UIDVALIDITY 77, finished up to 8",
        "could not be fetched: no",
    ):
        assert words in output
    output = postrail("accounts", "show", "sales")[1]
    assert "(secret)" in output
    assert "a secret" not in output
    assert "Correct it" in output
    failures = json.loads(postrail("accounts", "show", "help", "--json")[1])["failures"]
    assert [mail["source"] for mail in failures] == ["INBOX;uidvalidity=77;uid=9"]


def test_an_unknown_name_suggests_one(postrail: Postrail) -> None:
    code, _, errors = postrail("accounts", "show", "slaes")
    assert code == 1
    assert "Did you mean 'sales'?" in errors
    assert "There are: help, old, sales" in postrail("accounts", "disable", "zzz")[2]


def test_disable_and_enable_are_changes_with_an_author(
    postrail: Postrail, settings: Settings
) -> None:
    code, output, _ = postrail("accounts", "disable", "help", "--author", "Anna")
    assert (code, output) == (0, "Account help: enabled: no.\n")
    assert "(unchanged)" in postrail("accounts", "disable", "help", "--author", "Ben")[1]
    assert postrail("accounts", "enable", "help", "--author", "Cem")[0] == 0
    assert asyncio.run(_changes(settings)) == [
        ("Anna", True, False),
        ("Cem", False, True),
    ]
    # The file says the same as before, so that nothing else has changed.
    assert "0 changed, 5 unchanged" in postrail("apply")[1]


async def _changes(settings: Settings) -> list[tuple[object, ...]]:
    statement = (
        "SELECT author, (before->>'enabled')::boolean, (after->>'enabled')::boolean"
        " FROM configuration_change WHERE before IS NOT NULL ORDER BY change_id"
    )
    async with one_connection(settings.database) as connection:
        return await rows(connection, statement)


def test_debug_is_switched_and_mentioned(postrail: Postrail) -> None:
    code, output, _ = postrail("accounts", "debug", "help", "on")
    assert code == 0
    assert output.startswith("Account help: debug: yes.\nNote: account help: debug is true")
    assert json.loads(postrail("accounts", "show", "help", "--json")[1])["debug"] is True
    assert postrail("accounts", "debug", "help", "off")[1] == "Account help: debug: no.\n"
    assert postrail("accounts", "debug", "help", "maybe")[0] == 2


def test_two_accounts_for_one_folder_are_not_enabled(postrail: Postrail) -> None:
    code, _, errors = postrail("accounts", "enable", "old")
    assert code == 2
    assert "is watched by account 'help' already" in errors
    assert postrail("accounts", "disable", "help")[0] == 0
    assert postrail("accounts", "enable", "old")[0] == 0


def test_fetch_requests_a_poll(postrail: Postrail, settings: Settings) -> None:
    apply_topics(settings.kafka)
    code, output, _ = postrail("accounts", "fetch", "help", "help", "--author", "Anna")
    assert (code, output) == (0, "Asked the fetcher to poll: help\n")
    assert postrail("accounts", "fetch", "--all", "--json")[0] == 0
    found = asyncio.run(tail(settings.kafka, MAILBOX_CHECK_REQUESTED, 10))
    records = [record for record in found if isinstance(record, MailboxCheckRequested)]
    assert sorted(record.mailbox for record in records) == ["help", "help", "sales"]
    assert "Anna" in {record.requested_by for record in records}


def test_fetch_asks_for_parked_messages_too(postrail: Postrail, settings: Settings) -> None:
    apply_topics(settings.kafka)
    fill(settings)

    async def changed(statement: str) -> list[tuple[object, ...]]:
        async with one_connection(settings.database) as connection:
            return await (await connection.execute(statement.encode())).fetchall()

    later = "UPDATE refetch SET due_at = now() + interval '1 day' RETURNING 1"
    assert len(asyncio.run(changed(later))) == 1
    assert postrail("accounts", "fetch", "sales")[0] == 0
    due = "SELECT requested_by FROM refetch WHERE due_at <= now()"
    assert asyncio.run(changed(due)) == []
    assert postrail("accounts", "fetch", "help", "--author", "Anna")[0] == 0
    assert asyncio.run(changed(due)) == [("Anna",)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        # Neither names nor --all.
        ([], 2, "which mailboxes?"),
        # Both.
        (["help", "--all"], 2, "which mailboxes?"),
        # A disabled account is not polled.
        (["old"], 2, "postrail accounts enable old"),
        (["nobody"], 1, "no mail account 'nobody'"),
    ],
)
def test_fetch_refuses_accounts_that_cannot_be_polled(
    postrail: Postrail, arguments: list[str], code: int, words: str
) -> None:
    found, _, errors = postrail("accounts", "fetch", *arguments)
    assert found == code
    assert words in errors
