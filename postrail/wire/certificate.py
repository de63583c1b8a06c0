"""Reads a server's certificate: DER in, names and dates out. Verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

NAMES_SHOWN = 5
# A server may send bytes that only its own library takes for a certificate.
UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The contents of a certificate, unverified."""

    subject: str
    issuer: str
    # The host names and addresses that it is valid for.
    names: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    # Issuer and subject are the same.
    self_signed: bool
    sha256: str

    def days_left(self, now: datetime) -> int:
        """Returns the days until it expires; negative when it has expired."""
        return (self.valid_until - now).days

    @property
    def for_hosts(self) -> str:
        """Returns its names as text, at most the first NAMES_SHOWN."""
        shown = ", ".join(self.names[:NAMES_SHOWN]) or self.subject
        return shown + (", …" if len(self.names) > NAMES_SHOWN else "")


def read_certificate(der: bytes | None) -> Certificate | None:
    """Reads a certificate; returns None when `der` is empty or cannot be read."""
    if not der:
        return None
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=_name(found.subject),
            issuer=_name(found.issuer),
            names=_hosts(found),
            valid_from=found.not_valid_before_utc,
            valid_until=found.not_valid_after_utc,
            self_signed=found.subject == found.issuer,
            sha256=found.fingerprint(SHA256()).hex(":"),
        )
    except UNREADABLE:
        return None


def _name(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return name.rfc4514_string() or "an empty name"


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)
