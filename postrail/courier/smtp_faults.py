"""Explains why a connection to an SMTP server fails, and names the setting to change."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable
from postrail.courier.smtp_words import clean_words
from postrail.errors import causes

# RFC 4954, 6: the server cannot check the login now; it may be correct.
TEMPORARY_AUTHENTICATION_FAILURE = 454


@contextlib.contextmanager
def connecting(connection: OutgoingConnection) -> Iterator[None]:
    """Turns the errors of aiosmtplib, ssl and socket while connecting into CourierUnavailable."""
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        raise _login_refused(connection, error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        certificate = _certificate_error(error)
        if certificate is not None:
            raise _untrusted(connection, certificate) from error
        raise _unavailable(connection, error) from error


def _login_refused(
    connection: OutgoingConnection, error: aiosmtplib.SMTPAuthenticationError
) -> CourierUnavailable:
    words = clean_words(f"{error.code} {error.message}")
    if error.code == TEMPORARY_AUTHENTICATION_FAILURE:
        return CourierUnavailable(f"{_server(connection)} cannot check the login now: {words}")
    return CourierUnavailable(
        f"{_server(connection)} refused the login of {connection.username}: {words}",
        setting=_setting(connection, "username, password"),
        remedy="Correct the user name or the password",
    )


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Returns the certificate error among the causes, if one is there."""
    found = (one for one in causes(error) if isinstance(one, ssl.SSLCertVerificationError))
    return next(found, None)


def _untrusted(
    connection: OutgoingConnection, error: ssl.SSLCertVerificationError
) -> CourierUnavailable:
    return CourierUnavailable(
        f"the certificate of {_server(connection)} is not trusted: {error.verify_message}",
        setting=_setting(connection, "ca_file"),
        remedy="Name the file with the certificate authority's certificate in ca_file, or set host"
        " to the name in the certificate",
    )


def _unavailable(connection: OutgoingConnection, error: Exception) -> CourierUnavailable:
    words = clean_words(str(getattr(error, "message", "")) or str(error)) or type(error).__name__
    code = f"{error.code} " if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in words:
        return CourierUnavailable(
            f"{_server(connection)} does not offer STARTTLS",
            setting=_setting(connection, "encryption, port"),
            remedy="Set encryption to ssl or none, as the server's port requires",
        )
    if isinstance(error, aiosmtplib.SMTPException) and "AUTH" in words:
        return CourierUnavailable(
            f"{_server(connection)} offers no login: {words}",
            setting=_setting(connection, "encryption, username"),
            remedy="Set encryption to starttls or ssl, or leave the user name blank",
        )
    return CourierUnavailable(
        f"no connection to {_server(connection)}: {code}{words}",
        setting=_setting(connection, "host, port, encryption"),
        remedy="Check that the server runs there and accepts connections from here",
    )


def login_required(connection: OutgoingConnection, words: str) -> CourierUnavailable:
    """Returns the error of a server that requires a login or encryption."""
    return CourierUnavailable(
        f"{_server(connection)} does not accept mail from us: {words}",
        setting=_setting(connection, "username, password, encryption"),
        remedy="Fill in user name and password, and the encryption that the server requires",
    )


def sender_refused(connection: OutgoingConnection, words: str) -> CourierUnavailable:
    """Returns the error of a server that refuses our sender address."""
    return CourierUnavailable(
        f"{_server(connection)} does not accept mail from {connection.from_address}: {words}",
        setting=_setting(connection, "from_address"),
        remedy="Name an address that this login may send from",
    )


def tls_file_missing(connection: OutgoingConnection, error: OSError) -> CourierUnavailable:
    """Returns the error of a CA file that cannot be read."""
    return CourierUnavailable(
        f"{connection.ca_file} cannot be read as certificates: {clean_words(str(error))}",
        setting=_setting(connection, "ca_file"),
        remedy="Name a file in PEM form that this process may read",
    )


def _server(connection: OutgoingConnection) -> str:
    return f"SMTP server {connection.host}:{connection.port}"


def _setting(connection: OutgoingConnection, fields: str) -> str:
    return f"outgoing connection {connection.name}: {fields}"
