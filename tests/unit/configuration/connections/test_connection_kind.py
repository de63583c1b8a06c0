"""Outgoing connections in a file: fallbacks, DKIM keys, fields of earlier releases, notes."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from postrail.configuration.connections.dkim_key import dkim_key_faults
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.store import former
from tests.makers.configuration import outgoing_connection
from tests.unit.configuration.test_plan import faults_of, plan_of

FILE = """\
connections:
  - name: one
    host: smtp.example.org
    from_address: help@example.org
    is_default: true
"""
SECOND = """\
  - name: two
    host: smtp.example.net
    from_address: help@example.net
"""


def key(private: Any, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode())


RSA_KEY = key(rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FILE + "    fallback: three\n", "f:6: connection 'one', fallback: there is no connection"),
        (
            FILE + "    enabled: false\n" + SECOND,
            "f:5: connection 'one', is_default: is true, and enabled is false",
        ),
        (FILE + "    fallback: one\n", "f:6: connection 'one', fallback: leads back"),
        (FILE + "    fallback: two\n" + SECOND + "    fallback: one\n", "one → two → one"),
        (FILE + "    dkim_key: x\n", "dkim_key: is not used without dkim_domain"),
        (
            FILE + "    dkim_domain: example.org\n    dkim_selector: desk\n",
            "dkim_key: is missing: give a text",
        ),
        (
            FILE + "    dkim_domain: example.org\n    dkim_selector: desk\n    dkim_key: x\n",
            "dkim_key: must be a private key in PEM",
        ),
        (
            FILE + "    timeout_seconds: 5\n    timeout_ms: 5\n",
            "timeout_seconds: is the former name of timeout_ms: remove it",
        ),
        (FILE + "    timeout_seconds: soon\n", "timeout_ms: must be a whole number"),
    ],
)
def test_faults_name_the_line_and_the_field(text: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(text))


def test_a_fallback_that_ends_is_accepted() -> None:
    assert plan_of(FILE + "    fallback: two\n" + SECOND).count("created") == 2


def test_a_circle_over_a_stored_connection_is_refused() -> None:
    stored = outgoing_connection(name="two", is_default=False, fallback="one")
    (fault,) = faults_of(FILE + "    fallback: two\n", [stored])
    assert "one → two → one" in fault


@pytest.mark.parametrize(
    ("seconds", "timeout_ms"),
    [("5", 5000), ("0.25", 250), ("300", 30_000), ("0.0001", 1), ("30.0", 30_000)],
)
def test_timeouts_of_earlier_files_are_read(seconds: str, timeout_ms: int) -> None:
    (change,) = plan_of(FILE + f"    timeout_seconds: {seconds}\n").changes
    assert isinstance(change.after, OutgoingConnection)
    assert change.after.timeout_ms == timeout_ms


@pytest.mark.parametrize(
    ("values", "plain"),
    [
        ({"encryption": "none", "username": "u"}, True),
        ({"encryption": "none", "username": "u", "host": "localhost"}, False),
        ({"encryption": "none", "username": ""}, False),
        ({"encryption": "starttls", "username": "u"}, False),
    ],
)
def test_recorded_values_of_earlier_releases_are_understood(
    values: dict[str, Any], plain: bool
) -> None:
    recorded = {
        "name": "out",
        "host": "smtp.example.org",
        "from_address": "desk@example.org",
        "password": "(secret)",
        "timeout_seconds": 12.5,
    }
    found = former(OUTGOING_CONNECTION, recorded | values)
    assert (found.timeout_ms, found.allow_plain_login) == (12_500, plain)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RSA_KEY, ""),
        (key(ed25519.Ed25519PrivateKey.generate()), ""),
        (key(rsa.generate_private_key(65537, 1024)), ""),
        ("x", "must be a private key in PEM"),
        (key(ec.generate_private_key(ec.SECP256R1())), "must be a private key in PEM"),
        (key(rsa.generate_private_key(65537, 2048), b"pass"), "has a passphrase: remove it"),
    ],
)
def test_dkim_keys(text: str, fault: str) -> None:
    found = dkim_key_faults(text)
    assert len(found) == bool(fault)
    assert "".join(found).startswith(fault)


def test_a_dkim_key_is_sealed_and_stays_when_the_server_changes() -> None:
    lines = "    dkim_domain: example.org\n    dkim_selector: desk\n"
    given = (
        FILE
        + lines
        + "    dkim_key: |\n"
        + "".join(f"      {one}\n" for one in RSA_KEY.split("\n"))
    )
    (change,) = plan_of(given).changes
    assert isinstance(change.after, OutgoingConnection)
    assert "PRIVATE KEY" not in change.after.dkim_key
    moved = (FILE + lines).replace("smtp.example.org", "smtp.example.net")
    (second,) = plan_of(moved, [change.after]).changes
    assert isinstance(second.after, OutgoingConnection)
    assert second.after.dkim_key == change.after.dkim_key


@pytest.mark.parametrize(
    ("lines", "notes"),
    [
        ("", 0),
        ("    debug: true\n", 1),
        ("    dkim_domain: other.example\n", 1),
        ("    dkim_domain: example.org\n", 0),
    ],
)
def test_notes(lines: str, notes: int) -> None:
    dkim = "    dkim_selector: desk\n    dkim_key: env:POSTRAIL_SECRET_DKIM\n"
    text = FILE + lines + (dkim if "dkim" in lines else "")
    assert len(plan_of(text).notes) == notes
