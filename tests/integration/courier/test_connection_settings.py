"""Tests what the settings of a connection do to the dialogue with an SMTP server."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from structlog.testing import capture_logs

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, CourierUnavailable, Envelope, MessageTooLarge, TimeLimit
from postrail.courier.dkim import Sign, signer
from postrail.courier.smtp import SmtpCourier
from tests.servers.certificates import Certificates
from tests.servers.scripted_server import Script, saying, serving
from tests.servers.smtp_sink import SmtpSink

PASSWORD = "s3cret-pässword"
CONTENT = b"From: help@lab.test\r\nSubject: Hello\r\n\r\nA private text.\r\n"


async def send(
    port: int,
    certificates: Certificates,
    *,
    recipient: str = "ann@x.org",
    sign: Sign | None = None,
    **changes: Any,
) -> tuple[Answer, list[str]]:
    """Sends a message; returns the answer, and what was sent in the dialogue."""
    values: dict[str, Any] = {
        "name": "relay",
        "host": "localhost",
        "port": port,
        "encryption": "none",
        "ca_file": str(certificates.ca_file),
        "from_address": "help@lab.test",
        "timeout_ms": 5000,
    }
    connection = OutgoingConnection.model_validate(values | changes)
    sent: list[str] = []
    courier = SmtpCourier(
        connection,
        changes.get("password", ""),
        SystemClock(),
        write=lambda direction, words: sent.append(words) if direction == "sent" else None,
        sign=sign,
    )
    now = SystemClock().steady()
    limit = TimeLimit(dot_before=now + 10, end_before=now + 15)
    envelope = Envelope(envelope_from="help@lab.test", recipients=(recipient,), content=CONTENT)
    try:
        (answer,) = await courier.send(envelope, limit)
    finally:
        await courier.close()
    return answer, sent


@pytest.fixture
def tls_sink(certificates: Certificates) -> Iterator[SmtpSink]:
    sink = SmtpSink(tls=certificates.server_context(), login=("ann", PASSWORD))
    sink.start()
    yield sink
    sink.stop()


async def test_starttls_if_available_uses_it(
    tls_sink: SmtpSink, certificates: Certificates
) -> None:
    answer, sent = await send(
        tls_sink.port,
        certificates,
        encryption="starttls_if_available",
        username="ann",
        password=PASSWORD,
    )
    assert answer.state == "sent"
    assert "STARTTLS" in sent


async def test_starttls_if_available_goes_on_without_it(
    smtp_sink: SmtpSink, certificates: Certificates
) -> None:
    answer, sent = await send(smtp_sink.port, certificates, encryption="starttls_if_available")
    assert answer.state == "sent"
    assert "STARTTLS" not in sent


async def test_starttls_is_required(smtp_sink: SmtpSink, certificates: Certificates) -> None:
    with pytest.raises(CourierUnavailable, match="does not offer STARTTLS") as caught:
        await send(smtp_sink.port, certificates, encryption="starttls")
    assert caught.value.setting == "outgoing connection relay: encryption"
    assert smtp_sink.mails == []


def starttls_with(context: ssl.SSLContext) -> Script:
    """Returns a script that agrees to STARTTLS and then begins TLS."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 old.test\r\n")
        connection.recv(4096)
        connection.sendall(b"250-old.test\r\n250 STARTTLS\r\n")
        connection.recv(4096)
        connection.sendall(b"220 go on\r\n")
        with context.wrap_socket(connection, server_side=True):
            pass

    return script


@pytest.mark.parametrize("encryption", ["ssl", "starttls", "starttls_if_available"])
async def test_an_alert_about_an_older_tls_names_the_setting(
    certificates: Certificates, encryption: str
) -> None:
    context = certificates.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    implicit = encryption == "ssl"
    script = saying() if implicit else starttls_with(context)
    with (
        serving(script, context if implicit else None) as port,
        pytest.raises(CourierUnavailable, match=r"does not speak TLS 1\.3") as caught,
    ):
        await send(port, certificates, encryption=encryption, min_tls_version="1.3")
    assert caught.value.setting == "outgoing connection relay: min_tls_version"
    assert "lower min_tls_version" in caught.value.remedy


@pytest.mark.parametrize("encryption", ["ssl", "starttls"])
async def test_a_handshake_that_breaks_off_over_an_older_tls_names_the_setting(
    certificates: Certificates, encryption: str
) -> None:
    context = certificates.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    # It sends no alert: Python's asyncio drops it.
    sink = SmtpSink(tls=context, implicit_tls=encryption == "ssl")
    sink.start()
    try:
        with pytest.raises(CourierUnavailable, match="broke off the TLS handshake") as caught:
            await send(sink.port, certificates, encryption=encryption, min_tls_version="1.3")
        assert "min_tls_version" in caught.value.setting
        assert "set min_tls_version to 1.2" in caught.value.remedy
        assert sink.mails == []
        answer, _ = await send(sink.port, certificates, encryption=encryption)
        assert answer.state == "sent"
    finally:
        sink.stop()


async def test_ehlo_gives_the_configured_name(
    smtp_sink: SmtpSink, certificates: Certificates
) -> None:
    _, sent = await send(smtp_sink.port, certificates, ehlo_name="desk.example")
    assert sent[0] == "EHLO desk.example"


async def test_a_message_over_the_limit_is_not_begun(
    smtp_sink: SmtpSink, certificates: Certificates
) -> None:
    with pytest.raises(MessageTooLarge, match=r"more than outgoing connection relay takes \(10\)"):
        await send(smtp_sink.port, certificates, max_bytes=10)
    assert smtp_sink.connections == 0


async def test_a_message_over_the_servers_limit_is_not_begun(certificates: Certificates) -> None:
    sink = SmtpSink(max_message_bytes=20)
    sink.start()
    try:
        with pytest.raises(MessageTooLarge, match=r"more than the server takes \(20\)"):
            await send(sink.port, certificates)
    finally:
        sink.stop()


async def test_a_server_without_smtputf8_gets_no_address_beyond_ascii(
    certificates: Certificates,
) -> None:
    sink = SmtpSink(smtputf8=False)
    sink.start()
    try:
        answer, _ = await send(sink.port, certificates, recipient="jörg@x.org")
        assert answer.state == "failed"
        assert "does not offer SMTPUTF8" in answer.reply
        # The domain alone is sent in its ASCII form.
        answer, _ = await send(sink.port, certificates, recipient="ann@bücher.example")
        assert answer.state == "sent"
    finally:
        sink.stop()


async def test_a_signature_arrives_as_it_was_made(
    smtp_sink: SmtpSink, certificates: Certificates
) -> None:
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    sign = signer("lab.test", "mail", pem)

    answer, _ = await send(smtp_sink.port, certificates, sign=sign)

    assert answer.state == "sent"
    arrived = smtp_sink.mails[0].content
    assert dkim.verify(arrived, dnsfunc=lambda name, timeout=5: record)
    assert arrived.endswith(CONTENT)


async def test_debug_logs_the_dialogue_without_secrets_and_texts(
    tls_sink: SmtpSink, certificates: Certificates
) -> None:
    with capture_logs() as logged:
        await send(
            tls_sink.port,
            certificates,
            encryption="starttls",
            username="ann",
            password=PASSWORD,
            debug=True,
        )
    lines = [line for line in logged if line["event"] == "dialogue"]
    assert {line["connection"] for line in lines} == {"relay"}
    shown = "\n".join(str(line.get("sent", line.get("received"))) for line in lines)
    assert "220 sink.test" in shown
    assert "RCPT TO:<ann@x.org>" in shown
    assert f"{{{len(CONTENT)} bytes}}" in shown
    assert "250 2.0.0 queued" in shown
    assert "***" in shown
    for secret in (PASSWORD, "c3NlY3", "A private text", "czNjcmV0"):
        assert secret not in shown
