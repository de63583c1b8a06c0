"""Explains why a connection to an SMTP server fails, and names the setting to change."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable, as_unavailable
from postrail.courier.smtp_words import clean_words
from postrail.errors import ConfigurationError, ServerUnavailable, causes
from postrail.wire.faults import setting_of, tls_fault

# RFC 4954, 6: the server cannot check the login now; it may be correct.
TEMPORARY_AUTHENTICATION_FAILURE = 454
# The library's words for a connection that breaks after STARTTLS.
UPGRADING = "while upgrading transport"


@contextlib.contextmanager
def connecting(connection: OutgoingConnection) -> Iterator[None]:
    """Turns the errors of aiosmtplib, ssl and socket while connecting into CourierUnavailable."""
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        raise _login_refused(connection, error) from error
    except (ConfigurationError, ServerUnavailable) as error:
        raise as_unavailable(error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        tls = next((one for one in causes(error) if isinstance(one, ssl.SSLError)), None)
        if tls is not None:
            raise as_unavailable(tls_fault(connection, tls)) from error
        raise _unavailable(connection, error) from error


def _login_refused(
    connection: OutgoingConnection, error: aiosmtplib.SMTPAuthenticationError
) -> CourierUnavailable:
    words = clean_words(f"{error.code} {error.message}")
    if error.code == TEMPORARY_AUTHENTICATION_FAILURE:
        return CourierUnavailable(f"{_server(connection)} cannot check the login now: {words}")
    return CourierUnavailable(
        f"{_server(connection)} refused the login of {connection.username}: {words}",
        setting=setting_of(connection, "username, password"),
        remedy="Correct the user name or the password",
    )


def _unavailable(connection: OutgoingConnection, error: Exception) -> CourierUnavailable:
    words = clean_words(str(getattr(error, "message", "")) or str(error)) or type(error).__name__
    code = f"{error.code} " if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    if isinstance(error, aiosmtplib.SMTPException) and "AUTH" in words:
        return CourierUnavailable(
            f"{_server(connection)} offers no login: {words}",
            setting=setting_of(connection, "encryption, username"),
            remedy="Set encryption to starttls or ssl, or leave the user name blank",
        )
    if connection.min_tls_version == "1.3" and _in_handshake(connection, error):
        return CourierUnavailable(
            f"{_server(connection)} broke off the TLS handshake: {words}",
            setting=setting_of(connection, "min_tls_version, port, encryption"),
            remedy="The server may not speak TLS 1.3: set min_tls_version to 1.2",
        )
    return CourierUnavailable(
        f"no connection to {_server(connection)}: {code}{words}",
        setting=setting_of(connection, "host, port, encryption"),
        remedy="Check that the server runs there and accepts connections from here",
    )


def _in_handshake(connection: OutgoingConnection, error: Exception) -> bool:
    """Tells whether the connection was reset while TLS was being agreed on."""
    if not any(isinstance(one, ConnectionResetError) for one in causes(error)):
        return False
    if connection.encryption == "ssl":
        return isinstance(error, aiosmtplib.SMTPConnectError)
    return UPGRADING in str(error)


def login_required(connection: OutgoingConnection, words: str) -> CourierUnavailable:
    """Returns the error of a server that requires a login or encryption."""
    return CourierUnavailable(
        f"{_server(connection)} does not accept mail from us: {words}",
        setting=setting_of(connection, "username, password, encryption"),
        remedy="Fill in user name and password, and the encryption that the server requires",
    )


def sender_refused(connection: OutgoingConnection, words: str) -> CourierUnavailable:
    """Returns the error of a server that refuses our sender address."""
    return CourierUnavailable(
        f"{_server(connection)} does not accept mail from {connection.from_address}: {words}",
        setting=setting_of(connection, "from_address"),
        remedy="Name an address that this login may send from",
    )


def _server(connection: OutgoingConnection) -> str:
    return f"SMTP server {connection.host}:{connection.port}"
