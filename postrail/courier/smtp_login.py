"""Logs in to an SMTP server: by a password, or by a token (XOAUTH2, OAUTHBEARER)."""

from __future__ import annotations

import base64

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin
from postrail.courier.smtp_client import AUTH_CONTINUES, SmtpClient
from postrail.courier.smtp_words import clean_words
from postrail.errors import ServerUnavailable
from postrail.oauth import TokenSource
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


async def log_in(client: SmtpClient, connection: OutgoingConnection, login: CourierLogin) -> str:
    """Logs in, if the connection has a user; returns how, in words.

    Raises aiosmtplib.SMTPAuthenticationError, ConfigurationError and ServerUnavailable.
    """
    if not connection.username:
        return "no login"
    if not isinstance(login, str):
        return await _by_token(client, connection, login)
    if not (client.is_encrypted or connection.may_send_password_unencrypted):
        raise plain_login_forbidden(connection)
    _hide(client, login)
    await client.login(connection.username, login)
    return f"as {connection.username}"


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
            return f"as {connection.username} by {mechanism}"
        if reply.code // 100 != 5:
            raise aiosmtplib.SMTPAuthenticationError(reply.code, reply.message)
        refused, token = token, await token_of(login, token)
        if token == refused:
            words = clean_words(f"{reply.code} {reply.message}")
            raise token_refused(connection, words, challenge)
    raise ServerUnavailable(
        f"{server_of(connection)} refused two tokens in a row; it may accept a third one"
    )


async def _try_token(
    client: SmtpClient, connection: OutgoingConnection, mechanism: Mechanism, token: str
) -> tuple[aiosmtplib.SMTPResponse, bytes]:
    """Returns the server's reply, with the challenge that explains a refusal."""
    _hide(client, token)
    first = base64.b64encode(initial_response(connection, mechanism, token))
    reply = await client.execute_command(b"AUTH", mechanism.encode(), first)
    if reply.code != AUTH_CONTINUES:
        return reply, b""
    challenge = reply.message.encode("utf-8", "surrogateescape")
    reply = await client.execute_command(base64.b64encode(CANCELLED[mechanism]))
    return reply, challenge


def _hide(client: SmtpClient, secret: str) -> None:
    if client.dialogue is not None:
        client.dialogue.hide(secret)
