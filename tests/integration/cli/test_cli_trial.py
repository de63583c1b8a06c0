"""`postrail accounts test` against a real Dovecot: stored accounts, and those of a file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from postrail import instance as ownership
from postrail.configuration.load import mail_accounts
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import one_connection
from postrail.mailbox_state import sync_state
from postrail.settings import Settings
from tests.makers.commands import Postrail
from tests.makers.records import NOON
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot

pytestmark = pytest.mark.debian

MAIL = b"Subject: Printer\r\n\r\nIt smokes.\r\n"


@pytest.fixture
def file(dovecot: Dovecot, certificates: Certificates, tmp_path: Path) -> Path:
    """Returns a file with two accounts on Dovecot; the second has a wrong folder."""
    account = (
        f"host: localhost, port: {dovecot.imaps_port}, password: {dovecot.password},"
        f" ca_file: '{certificates.ca_file}', project: HELP"
    )
    path = tmp_path / "postrail.yaml"
    path.write_text(
        "connections: [{name: out, host: localhost, from_address: a@example.org}]\n"
        "projects: [{key: HELP, name: Help desk}]\n"
        "accounts:\n"
        f"  - {{name: help, username: help, address: help@example.org, {account}}}\n"
        f"  - {{name: lost, username: lost, address: lost@example.org, folder: Lost, {account}}}\n"
    )
    return path


def test_accounts_of_a_file_are_tested_and_nothing_is_stored(
    postrail: Postrail, file: Path, dovecot: Dovecot
) -> None:
    dovecot.append("help", MAIL)
    code, output, errors = postrail("accounts", "test", "-f", str(file), "help")
    assert (code, errors) == (0, "")
    assert output.startswith(f"Account help: imap at localhost:{dovecot.imaps_port}, ssl\n")
    assert "ok    login" in output
    code, output, _ = postrail("accounts", "test", "-f", str(file), "--json")
    assert code == 1
    answer = {trial["account"]: trial for trial in json.loads(output)}
    assert [answer[name]["ok"] for name in ("help", "lost")] == [True, False]
    last = answer["lost"]["steps"][-1]
    assert (last["name"], last["setting"]) == ("folder", "mail account lost: folder")
    assert "there are: INBOX" in last["remedy"]
    assert dovecot.password not in output.replace("trustme", "")
    assert "No mail accounts" in postrail("accounts", "list")[1]
    assert dovecot.flags("help") == {1: set()}


def test_an_account_logs_in_as_its_connection_does(
    postrail: Postrail, file: Path, dovecot: Dovecot, settings: Settings
) -> None:
    login = f"username: help, password: {dovecot.password}, "
    text = file.read_text().replace("{name: out, ", f"{{name: out, {login}", 1)
    lost = text.index("  - {name: lost")
    text = text[:lost].replace("username: help, address", "login_of: out, address")
    before, after = text.rsplit(f" password: {dovecot.password},", 1)
    file.write_text(before + after)
    code, output, errors = postrail("accounts", "test", "-f", str(file), "help")
    assert (code, errors) == (0, ""), output
    assert "ok    login" in output
    assert postrail("apply", "-f", str(file))[0] == 0
    assert "ok    login" in postrail("accounts", "test", "help")[1]
    # Without the connection's password in the file, the stored one is used.
    file.write_text(file.read_text().replace(f" password: {dovecot.password},", ""))
    assert postrail("accounts", "test", "-f", str(file), "help")[0] == 0
    (found,) = asyncio.run(_accounts(settings))
    assert found.username == "help"
    assert found.password.startswith("sealed:")
    assert json.loads(postrail("accounts", "show", "help", "--json")[1])["login_of"] == "out"


async def _accounts(settings: Settings) -> list[MailAccount]:
    async with one_connection(settings.database) as connection:
        return await mail_accounts(connection)


def test_a_complete_file_needs_no_database(
    postrail: Postrail, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert postrail("accounts", "test", "-f", str(file), "help")[0] == 0
    file.write_text(file.read_text().replace("password: secret,", ""))
    assert postrail("accounts", "test", "-f", str(file), "help")[0] == 1


def test_a_folder_of_a_file_needs_neither_database_nor_password(
    postrail: Postrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    (tmp_path / "in").mkdir()
    (tmp_path / "accounts.yaml").write_text(
        "projects: [{key: HELP, name: Help desk}]\n"
        "accounts: [{name: help, protocol: folder, address: help@example.org, project: HELP,"
        f" path: '{tmp_path / 'in'}'}}]\n"
    )
    code, output, errors = postrail("accounts", "test", "-f", str(tmp_path / "accounts.yaml"))
    assert (code, errors) == (0, ""), output
    assert output.startswith(f"Account help: folder {tmp_path / 'in'}\n")


def test_a_copy_of_another_instances_database_is_refused_logins(
    postrail: Postrail,
    file: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert postrail("apply", "-f", str(file))[0] == 0
    asyncio.run(_belongs_to(settings, "production"))
    monkeypatch.setenv("POSTRAIL_INSTANCE", "staging")
    code, output, errors = postrail("accounts", "test", "help")
    assert (code, output) == (2, "")
    assert "belongs to the instance 'production'" in errors
    assert "POSTRAIL_INSTANCE" in errors
    code, _, errors = postrail("accounts", "authorize", "help")
    assert code == 2
    assert "belongs to the instance 'production'" in errors
    found = json.loads(postrail("doctor", "--json")[1])
    findings = found if isinstance(found, list) else found["findings"]
    states = {one["part"]: one["state"] for one in findings}
    assert states["instance"] == "wrong"
    assert states["accounts"] == "skipped"


async def _belongs_to(settings: Settings, name: str) -> None:
    async with one_connection(settings.database) as connection:
        await ownership.claim(connection, name, NOON)


def test_a_stored_account_continues_where_it_was_read(
    postrail: Postrail, file: Path, dovecot: Dovecot, settings: Settings
) -> None:
    for _ in range(2):
        dovecot.append("help", MAIL)
    assert postrail("apply", "-f", str(file))[0] == 0
    asyncio.run(_read_up_to(settings, dovecot.uidvalidity("help"), 1))
    code, output, _ = postrail("accounts", "test", "help")
    assert code == 0
    assert "read up to UID 1: 1 message from UID 2 on" in output
    code, output, _ = postrail("accounts", "test", "lost")
    assert code == 1
    assert "wrong folder" in output
    assert "Remedy: Create the folder or correct its name; there are: INBOX" in output


async def _read_up_to(settings: Settings, uid_validity: int, uid: int) -> None:
    async with one_connection(settings.database) as connection:
        await sync_state.begin(connection, "help", "INBOX", uid_validity, NOON)
        state = sync_state.SyncState(
            mailbox="help", folder="INBOX", uid_validity=uid_validity, last_uid=uid
        )
        await sync_state.advance(connection, state, NOON)


def test_a_stored_password_is_sent_to_no_other_server(postrail: Postrail, file: Path) -> None:
    assert postrail("apply", "-f", str(file))[0] == 0
    without = file.read_text().replace("password: secret,", "")
    file.write_text(without)
    # For the same server the stored password is used.
    assert postrail("accounts", "test", "-f", str(file), "help")[0] == 0
    file.write_text(without.replace("host: localhost", "host: elsewhere.example.org"))
    code, output, errors = postrail("accounts", "test", "-f", str(file), "help")
    assert (code, output) == (2, "")
    assert "password: must be given again, because host changes" in errors


def test_missing_accounts_and_files_are_reported(postrail: Postrail, file: Path) -> None:
    for arguments, words in [
        ((), "which account?"),
        (("-f", str(file), "nobody"), "there is no mail account 'nobody' in"),
        (("-f", "nowhere.yaml"), "there is no file nowhere.yaml"),
    ]:
        code, _, errors = postrail("accounts", "test", *arguments)
        assert code == 2
        assert words in errors
