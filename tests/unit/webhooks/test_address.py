"""Addresses to post to are https and public, unless a setup names their host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

from postrail.errors import ConfigurationError, TransientError
from postrail.webhooks.address import (
    Resolve,
    checked_url,
    host_of,
    is_public,
    public_addresses,
    resolve,
)

# Each with what it is.
PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    # Carriers' own addresses, and the metadata of Alibaba's machines.
    "100.64.0.1",
    "100.100.100.200",
    # The metadata of most clouds, of Oracle's, of Azure's.
    "169.254.169.254",
    "192.0.0.192",
    "168.63.129.16",
    # Multicast, broadcast, reserved, documentation.
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    # IPv4 inside of IPv6: mapped, compatible, 6to4, NAT64, Teredo.
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "2001:0:7f00:1::1",
]
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_on_the_public_internet_is_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_host_with_one_address_that_is_not_public_is_refused(
    address: str, threads: ThreadPoolExecutor
) -> None:
    with pytest.raises(ConfigurationError, match=r"hooks\.example\.org .*is refused"):
        await public_addresses("hooks.example.org", 443, threads, lambda *_: ["8.8.8.8", address])


async def test_all_public_addresses_are_returned(threads: ThreadPoolExecutor) -> None:
    found = await public_addresses("hooks.example.org", 443, threads, lambda *_: PUBLIC)
    assert found == PUBLIC


# The system's resolver reads these as addresses of this machine.
@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001"])
async def test_other_spellings_of_a_private_address_are_refused(
    host: str, threads: ThreadPoolExecutor
) -> None:
    with pytest.raises(ConfigurationError, match="is refused"):
        await public_addresses(host, 443, threads)


def unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("host", "resolver"),
    [
        ("no-such-host.invalid", unknown),
        ("empty.example.org", lambda *_: []),
        # No query is made for these.
        ("a" * 64 + ".example", resolve),
        ("a..b", resolve),
    ],
)
async def test_a_host_without_an_address_may_have_one_later(
    host: str, resolver: Resolve, threads: ThreadPoolExecutor
) -> None:
    with pytest.raises(TransientError, match="is not found"):
        await public_addresses(host, 443, threads, resolver)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.org/T0K3N", "does not begin with https"),
        ("ftp://hooks.example.org/T0K3N", "does not begin with https"),
        ("hooks.example.org/T0K3N", "does not begin with https"),
        ("https:///T0K3N", "has no host"),
        ("https://hooks.example.org:T0K3N/", "not a valid URL"),
        ("https://hooks.example.org:99999/T0K3N", "not a valid URL"),
        ("https://[::1/T0K3N", "not a valid URL"),
        ("https://127.0.0.1/T0K3N", "refused"),
        ("https://[::ffff:10.0.0.1]/T0K3N", "refused"),
        # What stands before the @ is a user's name.
        ("https://hooks.example.org@10.0.0.1/T0K3N", "refused"),
    ],
)
def test_an_address_is_refused_and_not_told(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        checked_url(url, ["named.internal"])
    assert "T0K3N" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/x",
        "https://8.8.8.8/x",
        "https://named.internal/x",
        "http://named.internal:8080/x",
        "http://10.0.0.7/x",
        "https://NAMED.internal/x",
    ],
)
def test_public_and_named_hosts_pass(url: str) -> None:
    checked_url(url, ["Named.internal", "10.0.0.7"])


def test_the_host_is_what_may_be_shown() -> None:
    assert host_of("https://ann:T0K3N@Hooks.example.org/T0K3N?T0K3N#T0K3N") == "hooks.example.org"
    assert host_of("https://[2001:db8::1]:8443/x") == "[2001:db8::1]:8443"
