"""A real Postfix takes each kind of login, and delivers what was sent into Dovecot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Envelope, TimeLimit
from postrail.courier.smtp import SmtpCourier
from postrail.wire.dialogue_log import Direction
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.debian

DELIVERY_SECONDS = 20.0


@pytest.fixture
def postfix(
    request: pytest.FixtureRequest, own_folder: Path, certificates: Certificates, dovecot: Dovecot
) -> Iterator[Postfix]:
    """Starts a Postfix that offers one mechanism only."""
    server = Postfix(own_folder / "postfix", certificates, dovecot)
    server.more_settings = f"smtpd_sasl_mechanism_filter = {request.param}\n"
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("postfix", ["plain", "login"], indirect=True)
async def test_a_password_logs_in_by_the_mechanism_that_is_offered(
    request: pytest.FixtureRequest, postfix: Postfix, dovecot: Dovecot, certificates: Certificates
) -> None:
    ports = {"starttls": postfix.smtp_port, "ssl": postfix.smtps_port}
    dialogue: list[tuple[Direction, str]] = []
    for encryption, port in ports.items():
        values: dict[str, Any] = {
            "name": "relay",
            "host": "localhost",
            "port": port,
            "encryption": encryption,
            "username": "help@lab.test",
            "from_address": "help@lab.test",
            "ca_file": str(certificates.ca_file),
        }
        courier = SmtpCourier(
            OutgoingConnection.model_validate(values),
            postfix.password,
            SystemClock(),
            write=lambda *line: dialogue.append(line),
        )
        now = SystemClock().steady()
        (answer,) = await courier.send(
            Envelope(
                envelope_from="help@lab.test",
                recipients=("ann@lab.test",),
                content=f"Subject: by {encryption}\r\n\r\nHello\r\n".encode(),
            ),
            TimeLimit(dot_before=now + 30, end_before=now + 40),
        )
        await courier.close()
        assert answer.state == "sent"

    mechanism = request.node.callspec.params["postfix"].upper()
    logins = [words for direction, words in dialogue if direction == "sent" and "AUTH" in words]
    assert [login.split()[1] for login in logins] == [mechanism] * len(ports)
    assert delivered(dovecot, len(ports)) == {f"by {encryption}" for encryption in ports}


def delivered(dovecot: Dovecot, count: int) -> set[str]:
    """Waits for the messages; returns their subjects."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    while len(dovecot.uids("ann@lab.test")) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = b"\n".join(dovecot.messages("ann@lab.test")).decode().splitlines()
    return {line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")}
