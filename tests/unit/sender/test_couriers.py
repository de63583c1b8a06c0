"""Tests that each connection gets the courier of its mode, with its secrets."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Courier, CourierUnavailable, Envelope, TimeLimit
from postrail.courier.graph.courier import GraphCourier
from postrail.courier.smtp import SmtpCourier
from postrail.database import Connection
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from services.sender.channels import Unusable, couriers


def no_database() -> AbstractAsyncContextManager[Connection]:
    raise AssertionError("nothing is asked of the database")


def made(secrets: Secrets, **values: Any) -> Courier:
    fields = {"name": "out", "host": "mail.example.org", "from_address": "help@example.org"}
    clock = SystemClock()
    tokens = AccessTokens(no_database, secrets, clock)
    connection = OutgoingConnection.model_validate(fields | values)
    return couriers(secrets, tokens, no_database, clock)(connection)


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(SecretSettings(keys=SecretStr(generate_key())))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, SmtpCourier),
        ({"mode": "oauth2", "credential": "google"}, SmtpCourier),
        ({"mode": "graph", "credential": "entra", "host": "", "encryption": "ssl"}, GraphCourier),
    ],
)
async def test_the_mode_decides(secrets: Secrets, values: dict[str, Any], kind: type) -> None:
    assert type(made(secrets, **values)) is kind


DKIM = {"dkim_domain": "example.org", "dkim_selector": "mail"}


async def test_a_connection_with_a_key_signs(secrets: Secrets) -> None:
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    courier = made(secrets, **DKIM, dkim_key=secrets.seal(pem))
    assert isinstance(courier, SmtpCourier)
    sign = courier._sign
    assert sign is not None
    assert sign(b"From: a@example.org\r\n\r\nHello.\r\n").startswith(b"DKIM-Signature: v=1; a=rsa")


async def test_a_key_that_cannot_be_used_makes_the_connection_wait(secrets: Secrets) -> None:
    courier = made(secrets, **DKIM, dkim_key=secrets.seal("no key"))
    assert isinstance(courier, Unusable)
    envelope = Envelope(envelope_from="", recipients=("ann@x.org",), content=b"")
    with pytest.raises(CourierUnavailable, match="DKIM key cannot be used") as caught:
        await courier.send(envelope, TimeLimit(dot_before=1, end_before=1))
    assert caught.value.setting == "outgoing connection out: dkim_key"
    assert "no key" not in str(caught.value)
