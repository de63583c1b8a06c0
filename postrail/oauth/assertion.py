"""Signs assertions with a service account's key (RFC 7523), which Google exchanges for tokens."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from postrail.configuration.models.credential_checks import service_account_faults
from postrail.errors import ConfigurationError

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google accepts one hour at most. Clocks differ, so the hour begins a little earlier.
LIFETIME_SECONDS = 3600
EARLIER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A Google service account that may act for the users of its domain."""

    email: str
    key_id: str
    _key: RSAPrivateKey = field(repr=False)

    @staticmethod
    def parse(text: str, setting: str) -> ServiceAccount:
        """Reads the JSON key that Google issued; raises ConfigurationError without showing it."""
        if faults := service_account_faults(text):
            raise _fault(f"it {faults[0]}", setting)
        found = json.loads(text)
        key = rsa_key(str(found["private_key"]))
        if key is None:
            raise _fault("its private_key is not an RSA key in PEM", setting)
        return ServiceAccount(str(found["client_email"]), str(found.get("private_key_id", "")), key)

    def assertion(self, *, subject: str, scope: str, audience: str, now: datetime) -> str:
        """Returns a JWT that requests a token to act as `subject` (RS256, RFC 7515)."""
        issued = int(now.timestamp()) - EARLIER_SECONDS
        header = {"alg": "RS256", "typ": "JWT"} | ({"kid": self.key_id} if self.key_id else {})
        claims = {
            "iss": self.email,
            "sub": subject,
            "scope": scope,
            "aud": audience,
            "iat": issued,
            "exp": issued + LIFETIME_SECONDS,
        }
        signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
        return f"{signed}.{_part(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def rsa_key(text: str) -> RSAPrivateKey | None:
    """Returns the RSA key in a PEM text, or None."""
    # The errors are dropped, because they may quote the key.
    with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load_pem_private_key(text.encode(), password=None)
        if isinstance(key, RSAPrivateKey):
            return key
    return None


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _fault(words: str, setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"the key of the service account cannot be used: {words}",
        setting=setting,
        remedy="Give the whole JSON key that Google issued, or a file: reference to it",
    )
