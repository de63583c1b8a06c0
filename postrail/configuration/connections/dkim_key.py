"""Checks a private key for DKIM signatures, without showing any of it. Pure."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# RFC 8301, 3.2: verifiers take no signature of a shorter key.
RSA_BITS = 1024
FORM = "must be a private key in PEM (RSA or Ed25519), from -----BEGIN to its end"


def dkim_key_faults(key: str) -> list[str]:
    """Returns the problems of a key; its file has no passphrase, as nobody could type it."""
    try:
        found = load_pem_private_key(key.encode(), password=None)
    except TypeError:
        return ["has a passphrase: remove it (openssl pkey -in KEY -out PLAIN)"]
    except (ValueError, UnsupportedAlgorithm):
        return [FORM]
    if isinstance(found, Ed25519PrivateKey):
        return []
    if not isinstance(found, RSAPrivateKey):
        return [FORM]
    if found.key_size < RSA_BITS:
        return [
            f"has {found.key_size} bits, and servers accept {RSA_BITS} at least; make one of 2048"
        ]
    return []
