"""What an observer is made of: settings that cannot write, secrets that are not there."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection
from postrail.errors import ConfigurationError
from postrail.oauth.tokens import AccessTokens
from postrail.observe.health import Health
from postrail.secrets import Secrets
from postrail.settings import SecretSettings, Settings, load_settings
from services.fetcher.opener import MailboxFactory
from services.fetcher.store import PostgresStore
from services.sender.channels import Unusable, couriers
from tests.fakes.fetching import account_named
from tests.makers.folders import Folder
from tests.processes.unwriting import writing_methods


def test_by_default_nobody_is_an_observer() -> None:
    settings = Settings()
    assert not settings.observer
    assert (settings.database.read_only, settings.secrets.withheld) == (False, False)


def test_an_observers_sections_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTRAIL_OBSERVER", "true")
    # Nobody can take it back for one section.
    monkeypatch.setenv("POSTRAIL_DATABASE__READ_ONLY", "false")
    settings = load_settings()
    assert (settings.database.read_only, settings.secrets.withheld) == (True, True)


@pytest.mark.parametrize("name", ["", "two words", "-a", "x" * 101, "a/b"])
def test_a_name_is_one_word(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTRAIL_INSTANCE", name)
    with pytest.raises(ConfigurationError, match="POSTRAIL_INSTANCE"):
        load_settings()


@pytest.fixture
def withheld(tmp_path: Path) -> Secrets:
    # A file that is not there: it is not even looked for.
    return Secrets(SecretSettings(withheld=True, keys_file=tmp_path / "missing", folder=tmp_path))


@pytest.mark.parametrize("stored", ["", "env:POSTRAIL_SECRET_MAIL", "file:mail", "sealed:a:b"])
def test_nothing_is_revealed(
    stored: str, withheld: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_SECRET_MAIL", "secret")
    (tmp_path / "mail").write_text("secret")
    with pytest.raises(ConfigurationError, match="an observer may not read passwords"):
        withheld.reveal(stored)
    with pytest.raises(ConfigurationError, match="an observer may not read passwords"):
        withheld.seal("plain")


def no_database() -> AbstractAsyncContextManager[Connection]:
    raise AssertionError("nothing is asked of the database")


@pytest.mark.parametrize("protocol", ["imap", "pop3", "folder", "microsoft_graph"])
async def test_no_mailbox_is_made(protocol: str, withheld: Secrets, tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    account = account_named(protocol=protocol) if protocol in ("imap", "pop3") else folder.account()
    if protocol == "microsoft_graph":
        account = account_named(protocol=protocol, password="", credential="desk", host="")
    clock = SystemClock()
    store = PostgresStore(None, Health(), clock)  # type: ignore[arg-type]
    tokens = AccessTokens(no_database, withheld, clock)
    mailboxes = MailboxFactory(
        store, withheld, tokens, clock, full_listing_seconds=3600, transactions=no_database
    )
    with pytest.raises(ConfigurationError, match="an observer may not read passwords"):
        mailboxes.mailbox_for(account)


@pytest.mark.parametrize("username", ["", "help"])
def test_no_courier_is_made(username: str, withheld: Secrets) -> None:
    connection = OutgoingConnection(
        name="out", host="smtp.example.org", username=username, from_address="help@example.org"
    )
    clock = SystemClock()
    tokens = AccessTokens(no_database, withheld, clock)
    assert isinstance(couriers(withheld, tokens, no_database, clock)(connection), Unusable)


def test_the_writing_methods_of_all_implementations_are_known() -> None:
    known = {f"{place.__name__}.{name}" for place, name in writing_methods()}
    expected = {
        "ImapMailbox.finish",
        "FolderMailbox.finish",
        "FolderMailbox.rest",
        "GraphMailbox.finish",
        "SmtpCourier.send",
        "BuiltinTracker.create_issues",
        "BuiltinTracker.add_comments",
    }
    assert expected <= known
