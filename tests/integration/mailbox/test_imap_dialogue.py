"""The dialogue with a real Dovecot is logged without secrets and bodies."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.imap.mailbox import ImapMailbox
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

BODY = b"The launch code is 12345-ABC."
MAIL = b"Subject: Confidential matter\r\nFrom: a@example.org\r\n\r\n" + BODY + b"\r\n" * 3000


def account_on(dovecot: Dovecot, certificates: Certificates, **changes: Any) -> MailAccount:
    values = {
        "name": "help",
        "host": "localhost",
        "port": dovecot.imaps_port,
        "username": "help",
        "password": "env:POSTRAIL_SECRET_HELP",
        "address": "help@example.org",
        "project": "HELP",
        "ca_file": str(certificates.ca_file),
        "debug": True,
        "after_download": "move",
        "move_to": "Erledigt/Müll",
    }
    return MailAccount.model_validate(values | changes)


def dialogue_of(account: MailAccount, password: str) -> list[str]:
    """Returns the logged lines of a session that reads in each way, marks and idles."""
    mailbox = ImapMailbox(account, password)
    with capture_logs() as lines:
        try:
            mailbox.open()
            listed = mailbox.list_after(0)
            assert mailbox.read([mail.uid for mail in listed])
            assert mailbox.read_header(listed[0])
            mailbox.finish([listed[0].uid])
            if mailbox.start_idle():
                mailbox.stop_idle()
        finally:
            mailbox.close()
    assert {line["mailbox"] for line in lines if line["event"] == "dialogue"} <= {"help"}
    return [str(line.get("sent") or line.get("received")) for line in lines]


@pytest.mark.parametrize("encryption", ["none", "starttls", "ssl"])
def test_shows_commands_and_answers_and_no_bodies(
    dovecot: Dovecot, certificates: Certificates, encryption: str
) -> None:
    dovecot.append("help", MAIL)
    dovecot.append("help", MAIL)
    port = dovecot.imaps_port if encryption == "ssl" else dovecot.imap_port
    account = account_on(dovecot, certificates, encryption=encryption, port=port)
    text = "\n".join(dialogue_of(account, PASSWORD))
    for words in (
        "* OK ",
        "LOGIN ***",
        'SELECT "INBOX"',
        "* 2 EXISTS",
        "UID SEARCH",
        "* SEARCH 1 2",
        "BODY.PEEK[]",
        f"BODY[] {{{len(MAIL)} bytes}}",
        "BODY[HEADER]<0> {",
        "INTERNALDATE",
        "UID MOVE 1",
        "IDLE",
        "+ idling",
        "DONE",
        "LOGOUT",
        "* BYE",
    ):
        assert words in text
    for words in (PASSWORD, "launch", "12345", "Confidential", "a@example.org"):
        assert words not in text


def test_without_debug_nothing_is_logged(dovecot: Dovecot, certificates: Certificates) -> None:
    dovecot.append("help", MAIL)
    assert dialogue_of(account_on(dovecot, certificates, debug=False), PASSWORD) == []


@pytest.mark.parametrize(
    ("username", "password"),
    [
        # LOGIN, with characters that are quoted.
        ("help", 'wr"o\\ng one'),
        ("help", "wrong {3}"),
        # AUTHENTICATE PLAIN, because of the password, or of the name.
        ("help", "gehéim-wörd"),
        ("hélp", "wrong-word"),
    ],
)
def test_refused_passwords_are_not_shown_in_any_form(
    dovecot: Dovecot, certificates: Certificates, username: str, password: str
) -> None:
    mailbox = ImapMailbox(account_on(dovecot, certificates, username=username), password)
    with capture_logs() as lines, pytest.raises(ConfigurationError, match="refused the login"):
        mailbox.open()
    text = "\n".join(str(line.get("sent") or line.get("received")) for line in lines)
    plain = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    for form in (password, plain, base64.b64encode(password.encode()).decode()):
        assert form not in text
    assert "***" in text
    assert "NO [AUTHENTICATIONFAILED]" in text


def test_accepted_logins_by_plain_and_by_token_are_masked(
    dovecot: Dovecot, certificates: Certificates, own_folder: Path
) -> None:
    (own_folder / "mail.eml").write_bytes(MAIL)
    dovecot.doveadm("save", "-u", "hélp", "-m", "INBOX", str(own_folder / "mail.eml"))
    account = account_on(dovecot, certificates, username="hélp", after_download="leave", move_to="")
    text = "\n".join(dialogue_of(account, PASSWORD))
    assert "AUTHENTICATE PLAIN\n" in text
    assert base64.b64encode(f"\0hélp\0{PASSWORD}".encode()).decode() not in text
    mailbox = ImapMailbox(account, PASSWORD)
    with capture_logs() as lines:
        mailbox.open()
        # Dovecot refuses a second login; only the logged lines matter here.
        with pytest.raises(Exception, match="illegal in state"):
            mailbox._session.client.oauth2_login("help", "ya29.token")
        mailbox._session.client._imap.state = "NONAUTH"
        with pytest.raises(Exception, match=r"."):
            mailbox._session.client.oauth2_login("help", "ya29.token")
        mailbox.close()
    text = "\n".join(str(line.get("sent") or line.get("received")) for line in lines)
    assert "AUTHENTICATE XOAUTH2" in text
    assert "ya29" not in text
    assert base64.b64encode(b"user=help\x01auth=Bearer ya29.token\x01\x01").decode() not in text
