"""Explains why a connection to an SMTP server fails, and names the setting to change."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Collection, Iterator

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable, as_unavailable
from postrail.courier.smtp_words import clean_words, words_of_reply
from postrail.errors import ConfigurationError, PipelineError, ServerUnavailable, causes
from postrail.wire.faults import (
    login_refused,
    plain_login_fault,
    server_of,
    setting_of,
    tls_fault,
)

# RFC 4954, 6 and RFC 3207, 4: the server wants encryption before a login.
ENCRYPTION_REQUIRED = (530, 538)
# The library's words for a connection that breaks after STARTTLS.
UPGRADING = "while upgrading transport"


@contextlib.contextmanager
def connecting(connection: OutgoingConnection) -> Iterator[None]:
    """Turns the errors of aiosmtplib, ssl and socket while connecting into CourierUnavailable."""
    try:
        yield
    except (ConfigurationError, ServerUnavailable) as error:
        raise as_unavailable(error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        tls = next((one for one in causes(error) if isinstance(one, ssl.SSLError)), None)
        if tls is not None:
            raise as_unavailable(tls_fault(connection, tls)) from error
        raise _unavailable(connection, error) from error


def login_fault(connection: OutgoingConnection, reply: aiosmtplib.SMTPResponse) -> PipelineError:
    """Returns the error for a login that did not succeed."""
    words = words_of_reply(reply)
    if reply.code in ENCRYPTION_REQUIRED:
        return plain_login_fault(connection)
    if reply.code // 100 == 5:
        return login_refused(connection, words)
    return ServerUnavailable(f"{server_of(connection)} cannot check the login now: {words}")


def no_login_offered(
    connection: OutgoingConnection, offered: Collection[str]
) -> ConfigurationError:
    """Returns the error for a server that takes no password in a way that we know."""
    listed = f"only {', '.join(sorted(offered))}" if offered else "nothing"
    return ConfigurationError(
        f"{server_of(connection)} offers no login by a password: EHLO lists {listed} for it",
        setting=setting_of(connection, "encryption, username"),
        remedy="Set encryption to starttls or ssl, or leave the user name blank",
    )


def _unavailable(connection: OutgoingConnection, error: Exception) -> CourierUnavailable:
    words = clean_words(str(getattr(error, "message", "")) or str(error)) or type(error).__name__
    code = f"{error.code} " if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    if connection.min_tls_version == "1.3" and _in_handshake(connection, error):
        return CourierUnavailable(
            f"{server_of(connection)} broke off the TLS handshake: {words}",
            setting=setting_of(connection, "min_tls_version, port, encryption"),
            remedy="The server may not speak TLS 1.3: set min_tls_version to 1.2",
        )
    return CourierUnavailable(
        f"no connection to {server_of(connection)}: {code}{words}",
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
        f"{server_of(connection)} does not accept mail from us: {words}",
        setting=setting_of(connection, "username, password, encryption"),
        remedy="Fill in user name and password, and the encryption that the server requires",
    )


def sender_refused(connection: OutgoingConnection, words: str) -> CourierUnavailable:
    """Returns the error of a server that refuses our sender address."""
    return CourierUnavailable(
        f"{server_of(connection)} does not accept mail from {connection.from_address}: {words}",
        setting=setting_of(connection, "from_address"),
        remedy="Name an address that this login may send from",
    )
