"""Tests that a secret is not sent over a connection that anyone can read."""

from __future__ import annotations

from typing import Any

import aiosmtplib
import pytest

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin
from postrail.courier.smtp_client import SmtpClient
from postrail.courier.smtp_login import log_in
from postrail.errors import ConfigurationError
from tests.makers.oauth import source_of


class Client:
    """A client that notes the login."""

    server_auth_methods = ("plain",)

    def __init__(self, *, is_encrypted: bool) -> None:
        self.is_encrypted = is_encrypted
        self.logins: list[tuple[str, str]] = []

    def hide(self, secret: str) -> None:
        """Does nothing: no dialogue is shown."""

    async def auth_plain(self, username: str, password: str) -> aiosmtplib.SMTPResponse:
        self.logins.append((username, password))
        return aiosmtplib.SMTPResponse(235, "ok")

    auth_login = auth_crammd5 = auth_plain


async def logged_in(
    client: Client, login: CourierLogin = "secret", **changes: Any
) -> list[tuple[str, str]]:
    values: dict[str, Any] = {
        "name": "relay",
        "host": "mail.example.org",
        "encryption": "starttls_if_available",
        "username": "ann",
        "password": "secret",
        "from_address": "help@example.org",
    }
    connection = OutgoingConnection.model_construct(
        **OutgoingConnection.model_validate(values | {"allow_plain_login": True}).model_dump()
        | changes
    )
    found: Any = client
    assert isinstance(found, Client)
    await log_in(_as_client(client), connection, login)
    return client.logins


def _as_client(client: Any) -> SmtpClient:
    found: SmtpClient = client
    return found


async def test_a_password_is_not_sent_unencrypted() -> None:
    client = Client(is_encrypted=False)
    with pytest.raises(ConfigurationError, match="the password was not sent") as caught:
        await logged_in(client, allow_plain_login=False)
    assert "allow_plain_login" in caught.value.setting
    assert client.logins == []


async def test_a_token_is_not_sent_unencrypted() -> None:
    with pytest.raises(ConfigurationError, match="offers no encryption"):
        await logged_in(Client(is_encrypted=False), source_of("token"), allow_plain_login=False)


@pytest.mark.parametrize(
    ("is_encrypted", "changes"),
    [
        (True, {"allow_plain_login": False}),
        (False, {"allow_plain_login": True}),
        # Nobody reads what stays on this machine.
        (False, {"allow_plain_login": False, "host": "127.0.0.1"}),
    ],
)
async def test_a_password_is_sent(is_encrypted: bool, changes: dict[str, Any]) -> None:
    assert await logged_in(Client(is_encrypted=is_encrypted), **changes) == [("ann", "secret")]


async def test_without_a_user_nobody_logs_in() -> None:
    assert await logged_in(Client(is_encrypted=False), username="") == []
