"""Logs in to an SMTP server: by a password, or by a token (XOAUTH2, OAUTHBEARER)."""

from __future__ import annotations

import base64

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin
from postrail.courier.smtp_client import AUTH_CONTINUES, SmtpClient
from postrail.courier.smtp_faults import login_fault, no_login_offered
from postrail.courier.smtp_words import words_of_reply
from postrail.errors import ServerUnavailable
from postrail.oauth import TokenSource
from postrail.wire.dialogue_log import masked_in_errors
from postrail.wire.faults import plain_login_forbidden, server_of
from postrail.wire.login import (
    CANCELLED,
    Mechanism,
    initial_response,
    mechanism_of,
    token_of,
    token_refused,
)

AUTHENTICATED = 235
CRAM = "CRAM-MD5"
# RFC 5321, 4.2 and RFC 4954, 6: the server does not take this mechanism, whatever the password is.
MECHANISM_REFUSED = (500, 501, 502, 504, 534)


async def log_in(client: SmtpClient, connection: OutgoingConnection, login: CourierLogin) -> str:
    """Logs in, if the connection has a user; returns how, in words.

    Raises LoginRefused, ConfigurationError, ServerUnavailable and the library's errors.
    """
    if not connection.username:
        return "no login"
    if not isinstance(login, str):
        return await _by_token(client, connection, login)
    if not (client.is_encrypted or connection.may_send_password_unencrypted):
        raise plain_login_forbidden(connection)
    return await _by_password(client, connection, login)


async def _by_password(client: SmtpClient, connection: OutgoingConnection, password: str) -> str:
    """Logs in by one mechanism: another one would be a second failed login for the server."""
    client.hide(password)
    for mechanism in _password_mechanisms(client, connection):
        reply = await _try_password(client, connection, mechanism, password)
        if reply.code == AUTHENTICATED:
            return f"as {connection.username}"
        if reply.code not in MECHANISM_REFUSED:
            break
    raise login_fault(connection, reply)


def _password_mechanisms(client: SmtpClient, connection: OutgoingConnection) -> list[str]:
    """Returns the mechanisms that the server offers, the preferred one first; at least one."""
    # CRAM-MD5 does not show the password, but many servers that offer it cannot check it.
    order = ("PLAIN", "LOGIN", CRAM) if client.is_encrypted else (CRAM, "PLAIN", "LOGIN")
    offered = {name.upper() for name in client.server_auth_methods}
    found = [name for name in order if name in offered]
    if not found:
        raise no_login_offered(connection, offered)
    return found


async def _try_password(
    client: SmtpClient, connection: OutgoingConnection, mechanism: str, password: str
) -> aiosmtplib.SMTPResponse:
    """Returns the server's reply."""
    log_in_by = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login, CRAM: client.auth_crammd5}
    try:
        return await log_in_by[mechanism](connection.username, password)
    except aiosmtplib.SMTPAuthenticationError as error:
        return aiosmtplib.SMTPResponse(error.code, error.message)


async def _by_token(client: SmtpClient, connection: OutgoingConnection, login: TokenSource) -> str:
    """Logs in by a token; renews one that is refused once, as it may be old."""
    if not (client.is_encrypted or connection.may_send_password_unencrypted):
        raise plain_login_forbidden(connection)
    offered = {name.upper() for name in client.server_auth_methods}
    mechanism = mechanism_of(connection, offered)
    token = await token_of(login)
    for _ in range(2):
        reply, challenge = await _try_token(client, connection, mechanism, token)
        if reply.code == AUTHENTICATED:
            return f"as {connection.mailbox_user} by {mechanism}"
        if reply.code // 100 != 5:
            raise login_fault(connection, reply)
        refused, token = token, await token_of(login, token)
        if token == refused:
            with masked_in_errors(token):
                raise token_refused(connection, words_of_reply(reply), challenge)
    raise ServerUnavailable(
        f"{server_of(connection)} refused two tokens in a row; it may accept a third one"
    )


async def _try_token(
    client: SmtpClient, connection: OutgoingConnection, mechanism: Mechanism, token: str
) -> tuple[aiosmtplib.SMTPResponse, bytes]:
    """Returns the server's reply, with the challenge that explains a refusal."""
    client.hide(token)
    # Exchange Online wants the shared mailbox in the place of the user who signed in.
    first = base64.b64encode(initial_response(connection.mailbox_user, mechanism, token))
    reply = await client.execute_command(b"AUTH", mechanism.encode(), first)
    if reply.code != AUTH_CONTINUES:
        return reply, b""
    challenge = reply.message.encode("utf-8", "surrogateescape")
    reply = await client.execute_command(base64.b64encode(CANCELLED[mechanism]))
    return reply, challenge
