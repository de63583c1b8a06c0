"""Each fault of an IMAP connection becomes an error that names the setting and the remedy."""

from __future__ import annotations

import imaplib
import socket
import ssl

import pytest
from imapclient.exceptions import CapabilityError, LoginError

from postrail.errors import ConfigurationError, PermanentError, PipelineError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.faults import connection_fault, folder_fault, login_fault
from postrail.wire.faults import LoginRefused, tls_context
from tests.fakes.fetching import account_named

ACCOUNT = account_named("support", host="mail.example.org")

CASES = [
    (ConnectionRefusedError(111, "refused"), MailboxUnavailable, "host, port"),
    (TimeoutError("timed out"), MailboxUnavailable, "timeout_ms"),
    (socket.gaierror(-2, "Name or service not known"), MailboxUnavailable, "host"),
    (ConnectionResetError(104, "reset"), MailboxUnavailable, "host, port"),
    (ssl.SSLEOFError(8, "EOF occurred"), MailboxUnavailable, ""),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), ConfigurationError, "encryption, port"),
    # The server's alert to a newer client, and the client's own error with an older server.
    (ssl.SSLError(1, "TLSV1_ALERT_PROTOCOL_VERSION"), ConfigurationError, "min_tls_version"),
    (ssl.SSLError(1, "UNSUPPORTED_PROTOCOL"), ConfigurationError, "min_tls_version"),
    (ssl.SSLCertVerificationError(1, "unable to get issuer"), ConfigurationError, "ca_file"),
    (CapabilityError("Server does not support STARTTLS"), ConfigurationError, "encryption"),
    (imaplib.IMAP4.abort("socket error: EOF"), MailboxUnavailable, ""),
    (imaplib.IMAP4.abort("unexpected response: b'220 hi'"), MailboxUnavailable, "host, port"),
    (imaplib.IMAP4.error("command: NOOP => what?"), MailboxUnavailable, "host, port"),
]


@pytest.mark.parametrize(("error", "kind", "setting"), CASES)
def test_library_errors_become_ours(
    error: Exception, kind: type[PipelineError], setting: str
) -> None:
    with pytest.raises(kind) as told, connection_fault(ACCOUNT):
        raise error
    assert setting in told.value.setting
    assert told.value.__cause__ is error
    assert "mail.example.org" in told.value.problem


@pytest.mark.parametrize(
    ("version", "least"), [("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)]
)
def test_older_tls_is_refused(version: str, least: ssl.TLSVersion) -> None:
    account = account_named(min_tls_version=version)
    assert tls_context(account).minimum_version == least


def test_our_own_errors_pass() -> None:
    mine = PermanentError("mine")
    with pytest.raises(PermanentError) as told, connection_fault(ACCOUNT):
        raise mine
    assert told.value is mine


LOGINS = [
    # RFC 5530: with these the credentials may be right.
    ("b'[UNAVAILABLE] Temporary authentication failure.'", MailboxUnavailable),
    ("b'[LIMIT] Too many connections'", MailboxUnavailable),
    ("b'[AUTHENTICATIONFAILED] Authentication failed.'", LoginRefused),
    ("Invalid credentials (Failure)", LoginRefused),
]


@pytest.mark.parametrize(("words", "kind"), LOGINS)
def test_a_refused_login_is_final_or_temporary(words: str, kind: type[PipelineError]) -> None:
    told = login_fault(ACCOUNT, LoginError(words))
    assert type(told) is kind
    assert "b'" not in str(told)


@pytest.mark.parametrize(
    "words",
    ["unexpected response", "unexpected tagged response", "socket error: unterminated line"],
)
def test_what_a_server_sends_out_of_place_is_not_repeated(words: str) -> None:
    error = imaplib.IMAP4.abort(f"command: FETCH => {words}: b'The code is 1234'")
    with pytest.raises(MailboxUnavailable) as told, connection_fault(ACCOUNT):
        raise error
    assert "command: FETCH => " in str(told.value)
    assert "words out of place" in str(told.value)
    assert "1234" not in str(told.value)


def test_a_connection_that_breaks_during_the_login_does_not_blame_the_password() -> None:
    error = LoginError("socket error: EOF")
    error.__context__ = imaplib.IMAP4.abort("socket error: EOF")
    assert type(login_fault(ACCOUNT, error)) is MailboxUnavailable


def test_the_error_for_a_missing_folder_lists_some_that_exist() -> None:
    folders = [f"Folder {number:02}" for number in range(30)]
    told = folder_fault(ACCOUNT, imaplib.IMAP4.error("no such mailbox"), folders)
    assert "Folder 09, …" in told.remedy
    assert "there are" not in folder_fault(ACCOUNT, imaplib.IMAP4.error("no"), []).remedy
