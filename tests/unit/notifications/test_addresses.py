"""Tests that an address is written as itself or refused, and never as another."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.notifications.addresses import (
    ascii_domain,
    can_be_written,
    header_address,
    smtp_address,
)


@pytest.mark.parametrize(
    ("address", "in_smtp", "in_header"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org"),
        (" ann@example.org\r\n", "ann@example.org", "ann@example.org"),
        # A quoted local part stays as it is, with its blanks and escapes.
        ('"a b"@example.org', '"a b"@example.org', '"a b"@example.org'),
        ('"a  b"@example.org', '"a  b"@example.org', '"a  b"@example.org'),
        ('" a"@example.org', '" a"@example.org', '" a"@example.org'),
        (r'"a\"b"@example.org', r'"a\"b"@example.org', r'"a\"b"@example.org'),
        (r'"a\\b"@example.org', r'"a\\b"@example.org', r'"a\\b"@example.org'),
        ('"a@b"@example.org', '"a@b"@example.org', '"a@b"@example.org'),
        ('"jörg b"@example.org', '"jörg b"@example.org', '"jörg b"@example.org'),
        # One that needs quotes gets them.
        ("a b@example.org", '"a b"@example.org', '"a b"@example.org'),
        ("a,b@example.org", '"a,b"@example.org', '"a,b"@example.org'),
        ("a@b@example.org", '"a@b"@example.org', '"a@b"@example.org'),
        ('a"b@example.org', r'"a\"b"@example.org', r'"a\"b"@example.org'),
        # Servers of a Japanese provider know these without quotes, header fields do not.
        ("a..b.@example.org", "a..b.@example.org", '"a..b."@example.org'),
        # Outside of ASCII: the local part stays, the domain has a name in DNS.
        ("jörg@example.org", "jörg@example.org", "jörg@example.org"),
        ("ann@Bücher.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        # An encoded word is no address, but an atom like others.
        ("=?utf-8?q?j?=@example.org", "=?utf-8?q?j?=@example.org", "=?utf-8?q?j?=@example.org"),
    ],
)
def test_an_address_is_written_as_itself(address: str, in_smtp: str, in_header: str) -> None:
    assert smtp_address(address) == in_smtp
    assert can_be_written(in_smtp)
    assert header_address(address) == in_header


@pytest.mark.parametrize(
    "address",
    [
        "",
        "no address",
        "@example.org",
        "ann@",
        # Without the character it would be another address.
        "a\x00nn@example.org",
        "an\tn@example.org",
        '"an\tn"@example.org',
        "ann@exa mple.org",
        "ann@exa\u3000mple.org",
        "ann@example.org\r\nRCPT TO:<eve@x>",
        "ann@example.org>\r\nRCPT TO:<eve@x",
        '"a\r\nb"@example.org',
        "a\u2028b@example.org",
    ],
)
def test_what_cannot_be_written_is_refused(address: str) -> None:
    assert not can_be_written(smtp_address(address))
    assert not any(end in header_address(address) for end in "\r\n\x00\u2028")


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("müller.example", "xn--mller-kva.example"),
        ("MÜLLER.example", "xn--mller-kva.example"),
        # Two domains with two owners (RFC 5894, 7.2); the IDNA of 2003 made one of them.
        ("straße.example", "xn--strae-oqa.example"),
        ("strasse.example", "strasse.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        # A full stop of Japanese keyboards.
        ("bücher\u3002example", "xn--bcher-kva.example"),
        # No name in DNS.
        ("ü" * 64 + ".example", "ü" * 64 + ".example"),
    ],
)
def test_domains(domain: str, name: str) -> None:
    assert ascii_domain(domain) == name


LOCAL = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=12
).filter(lambda text: text == text.strip() and not text.startswith('"'))


@given(LOCAL)
def test_readers_of_the_header_find_the_same_address(local: str) -> None:
    written = header_address(f"{local}@example.org")
    message = cast(Any, message_from_bytes(f"To: {written}\r\n\r\n".encode(), policy=policy.SMTP))

    (found,) = message["To"].addresses
    assert (found.username, found.domain) == (local, "example.org")
    assert can_be_written(smtp_address(f"{local}@example.org"))
