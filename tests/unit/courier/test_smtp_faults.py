"""Tests that each fault names the setting to check."""

from __future__ import annotations

import ssl

import aiosmtplib
import pytest

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable
from postrail.courier.smtp_faults import connecting

CONNECTION = OutgoingConnection(
    name="relay", host="mail.example.org", username="ann", from_address="help@example.org"
)


def certificate_fault() -> Exception:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = aiosmtplib.SMTPConnectError("Error connecting")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words", "setting"),
    [
        # Untrusted.
        (certificate_fault(), "is not trusted: self-signed certificate", "ca_file"),
        # The port is closed.
        (
            ConnectionRefusedError(111, "Connection refused"),
            "no connection to the mail server mail.example.org:587",
            "host, port, encryption",
        ),
        # The server greets with a refusal.
        (
            aiosmtplib.SMTPConnectResponseError(554, "go away"),
            "554 go away",
            "host, port, encryption",
        ),
        # No reply.
        (aiosmtplib.SMTPConnectTimeoutError("Timed out"), "Timed out", "host, port"),
        (TimeoutError(), "TimeoutError", "host, port"),
    ],
)
def test_faults(error: Exception, words: str, setting: str) -> None:
    with pytest.raises(CourierUnavailable) as raised, connecting(CONNECTION):
        raise error

    assert words in str(raised.value)
    assert setting in raised.value.setting
    assert raised.value.__cause__ is error
