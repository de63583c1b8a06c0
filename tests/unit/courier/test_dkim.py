"""Tests that other software verifies our DKIM signatures, and what they protect."""

from __future__ import annotations

import base64

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.courier.dkim import signer

RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()

HEADER = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <help@desk.example>\r\nTo: ann@x.org,\r\n\tbob@x.org\r\n"
    b"Subject:  Printer   smokes\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@desk.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)


def pem(key: RSAPrivateKey | Ed25519PrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def record(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    """Returns the key's record in the DNS."""
    if isinstance(key, RSAPrivateKey):
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)


def verifies(message: bytes, key: RSAPrivateKey | Ed25519PrivateKey) -> bool:
    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"mail._domainkey.desk.example."
        return record(key)

    return bool(dkim.verify(message, dnsfunc=dns))


def signed(content: bytes, key: RSAPrivateKey | Ed25519PrivateKey = RSA) -> bytes:
    return signer("desk.example", "mail", pem(key))(content)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize(
    "body",
    [
        b"It smokes.\r\n",
        # Nothing, and nothing but line ends.
        b"",
        b"\r\n\r\n",
        b"  spaces \t at both ends \t \r\n\r\n \t\r\n\r\n",
        b".dots\r\n..\r\n.\r\n",
        "Größe\r\n".encode(),
        b"x" * 100_000 + b"\r\n",
    ],
)
def test_dkimpy_verifies_an_rsa_signature(body: bytes, form: PrivateFormat) -> None:
    message = signer("desk.example", "mail", pem(RSA, form))(HEADER + body)
    assert verifies(message, RSA)
    assert message.endswith(HEADER + body)


def test_a_signature_by_ed25519_is_that_of_rfc_8463() -> None:
    assert verifies(signed(HEADER + b"It smokes.\r\n", ED25519), ED25519)


def test_an_ed25519_signature_says_so() -> None:
    assert b"a=ed25519-sha256" in signed(HEADER, ED25519)


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(codec="ascii"), max_size=200))
def test_any_text_is_verified(text: str) -> None:
    lines = text.replace("\r", "\n").split("\n")
    assert verifies(signed(HEADER + "\r\n".join([*lines, ""]).encode()), RSA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"smokes.", b"is fine."),
        (b"Subject:  Printer", b"Subject: Scanner"),
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"To: ann", b"Reply-To: x@evil.example\r\nTo: ann"),
        (b"To: ann", b"Cc: x@evil.example\r\nTo: ann"),
    ],
)
def test_a_change_is_noticed(old: bytes, new: bytes) -> None:
    message = signed(HEADER + b"It smokes.\r\n")
    head, _, rest = message.partition(b"\r\nFrom: ")
    changed = head + (b"\r\nFrom: " + rest).replace(old, new, 1)
    assert changed != message
    assert not verifies(changed, RSA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # What relays change on the way.
        (b"ann@x.org,\r\n\tbob", b"ann@x.org, bob"),
        (b"Printer   smokes", b"Printer smokes"),
        (b"To: ann", b"Received: by relay\r\nX-Spam: no\r\nTo: ann"),
    ],
)
def test_what_relays_change_does_no_harm(old: bytes, new: bytes) -> None:
    message = signed(HEADER + b"It smokes.\r\n").replace(old, new, 1)
    assert verifies(message, RSA)


def test_the_same_message_is_signed_alike() -> None:
    assert signed(HEADER) == signed(HEADER)


def test_no_line_is_long() -> None:
    head = signed(HEADER).partition(b"\r\nFrom: ")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
