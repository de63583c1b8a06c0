"""Reads certificates, and returns None for bytes that are not one."""

from __future__ import annotations

import random
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from postrail.wire.certificate import read_certificate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def der_of(*names: str, days: int = 90, common_name: str | None = None) -> bytes:
    issued = trustme.CA().issue_cert(
        *names,
        common_name=common_name,
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=days),
    )
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


def test_reads_names_dates_and_issuer() -> None:
    found = read_certificate(der_of("a.org", "*.b.org", "192.0.2.1", common_name="The server"))
    assert found is not None
    assert found.names == ("a.org", "*.b.org", "192.0.2.1")
    assert found.subject == "The server"
    assert found.issuer.startswith("trustme")
    assert (found.valid_from, found.days_left(NOW)) == (NOW - timedelta(days=1), 90)
    assert found.self_signed is False
    assert len(found.sha256.split(":")) == 32
    assert found.for_hosts == "a.org, *.b.org, 192.0.2.1"


def test_an_expired_certificate_has_negative_days_left() -> None:
    found = read_certificate(der_of("a.org", days=0))
    assert found is not None
    assert found.days_left(NOW + timedelta(hours=1)) == -1


def test_of_many_names_the_first_are_shown() -> None:
    found = read_certificate(der_of(*[f"host{number}.org" for number in range(9)]))
    assert found is not None
    assert found.for_hosts == "host0.org, host1.org, host2.org, host3.org, host4.org, …"


def test_an_authority_is_self_signed_and_without_host_names() -> None:
    authority = trustme.CA().cert_pem.bytes().decode()
    found = read_certificate(ssl.PEM_cert_to_DER_cert(authority))
    assert found is not None
    assert found.self_signed
    assert found.names == ()
    assert found.for_hosts == found.subject


@pytest.mark.parametrize("der", [None, b"", b"\x30", b"no certificate", der_of("a.org")[:-9]])
def test_other_bytes_are_not_a_certificate(der: bytes | None) -> None:
    assert read_certificate(der) is None


def test_damaged_certificates_never_raise() -> None:
    whole = der_of("a.org", "192.0.2.1")
    chance = random.Random(1)
    for _ in range(5000):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 3))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        # cryptography only warns of a serial number that is not positive.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_certificate(bytes(damaged))


def test_an_unknown_version_cannot_be_read() -> None:
    # RFC 5280, 4.1: the version is the first field, in [0] EXPLICIT.
    version = b"\xa0\x03\x02\x01"
    der = der_of("a.org")
    assert read_certificate(der.replace(version + b"\x02", version + b"\x40", 1)) is None
