"""An observer's services have no effect on pending work; without POSTRAIL_OBSERVER they have."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED
from tests.fakes.fetching import account_named, until_blocking
from tests.makers.folders import Folder
from tests.makers.records import mail_fetched, mail_parsed
from tests.processes.fetcher_process import configure, fetcher
from tests.processes.senders import queued_entry, queued_mail

SERVICES = ("fetcher", "parser", "handler", "sender", "monitor")
# The first effects of each service on the pending work.
FIRST_EFFECTS = {
    "fetcher": {"FolderMailbox.open", "ImapMailbox.open"},
    "parser": {"Producer.send"},
    "handler": {"BuiltinTracker.create_issues"},
    "sender": {"SmtpCourier.send"},
}
TABLES = ("incoming_mail", "outgoing_mail", "delivery", "issue", "sync_state", "instance", "outbox")


@pytest.fixture
async def folder(settings: Settings, tmp_path: Path) -> Folder:
    """Makes a folder with a message, and a record for each service."""
    found = Folder("eml", tmp_path)
    found.add(b"Subject: Printer\n\nIt smokes.\n")
    sealed = Secrets(settings.secrets).seal("secret")
    things = [
        found.account(poll_seconds=1, after_download="remove"),
        account_named("imap", password=sealed, poll_seconds=1),
        OutgoingConnection(
            name="relay",
            is_default=True,
            host="127.0.0.1",
            encryption="none",
            from_address="help@example.org",
        ),
    ]
    await configure(settings, things)
    producer = Producer(settings.kafka)
    await producer.start()
    await producer.send(
        [
            Entry(MAIL_FETCHED, "support", avro.encode(mail_fetched())),
            Entry(MAIL_PARSED, "support", avro.encode(mail_parsed())),
            queued_entry(queued_mail()),
        ]
    )
    await producer.close()
    return found


@contextlib.contextmanager
def services(
    names: Sequence[str], environment: dict[str, str], journal: Path
) -> Iterator[dict[str, Path]]:
    """Runs services whose writing methods fail; yields their logs."""
    logs = {name: journal.with_name(f"{name}.log") for name in names}
    with contextlib.ExitStack() as stack:
        for name, log in logs.items():
            arguments = ("tests.processes.unwriting", str(journal), name)
            stack.enter_context(fetcher(environment, log, *arguments))
        yield logs


def counts(settings: Settings) -> dict[str, int]:
    """Counts the rows of each table."""
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0]
            for table in TABLES
        }


async def test_an_observer_calls_nothing_that_writes(
    folder: Folder, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    before, mails = counts(settings), folder.left()
    journal = tmp_path / "journal"
    observer = {**environment, "POSTRAIL_OBSERVER": "true", "POSTRAIL_INSTANCE": "staging"}
    with services(SERVICES, observer, journal) as logs:
        for log in logs.values():
            await until_blocking(lambda log=log: "does no work" in log.read_text(), 60)  # type: ignore[misc]
        # The services of the next test have their first effect in less time.
        await asyncio.sleep(3)
    assert not journal.exists(), journal.read_text()
    assert counts(settings) == before
    assert before["instance"] == 0
    assert folder.left() == mails


@pytest.mark.parametrize("service", FIRST_EFFECTS)
async def test_without_the_setting_each_service_writes(
    service: str,
    folder: Folder,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    with services([service], environment, journal):
        await until_blocking(lambda: FIRST_EFFECTS[service] <= set(journal.read_text().split()), 20)
