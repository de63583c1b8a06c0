"""Makes signing keys and their certificates, in PEM."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PEM, PRIVATE = Encoding.PEM, (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def rsa_key(number: int = 0) -> tuple[str, str]:
    """Returns a private key and its public key; the same pair for each number."""
    key = _key(number)
    public = key.public_key().public_bytes(PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(*PRIVATE).decode(), public.decode()


def ec_key() -> str:
    """Returns an elliptic curve private key."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*PRIVATE).decode()


def certificate(number: int = 0) -> str:
    """Returns a self-signed certificate of the key with this number."""
    key, now = _key(number), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "desk")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    return built.sign(key, SHA256()).public_bytes(PEM).decode()


def thumbprint(pem: str) -> str:
    """Returns the SHA-1 thumbprint that Microsoft shows for a certificate."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA1()).hex()
