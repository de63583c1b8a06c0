"""Checks addresses to post to: https, and a host on the public internet unless it is named.

Else somebody who may ask for a callback could reach servers inside of our network.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from postrail.errors import ConfigurationError, TransientError

HOSTS_SETTING = "callback_hosts"
# RFC 6052, 2.1: the addresses by which networks of IPv6 only reach IPv4.
NAT64 = IPv6Network("64:ff9b::/96")
# Servers of clouds for their own machines, which Python counts as public: Oracle's, Azure's.
OF_CLOUDS = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))

# Returns the addresses of a host, as text.
Resolve = Callable[[str, int], Sequence[str]]


class HostUnavailable(TransientError):
    """The name of the host has no address now."""


def checked_url(url: str, private_hosts: Collection[str]) -> SplitResult:
    """Returns the parts of an address that may be posted to, as far as one can tell without DNS.

    Raises ConfigurationError, whose text has no more of the address than its host.
    """
    parts = _parts(url)
    host = parts.hostname or ""
    named = is_named(host, private_hosts)
    if parts.scheme != "https" and not (named and parts.scheme == "http"):
        raise ConfigurationError(
            f"the address to post to, at {host or 'no host'}, does not begin with https://",
            setting=HOSTS_SETTING,
            remedy="Use https; http only to a host in callback_hosts of the approval setup",
        )
    if not host:
        raise ConfigurationError("the address to post to has no host", remedy="Correct the address")
    if not named and (address := _literal(host)) and not is_public(address):
        raise refused(host, host)
    return parts


def is_named(host: str, private_hosts: Collection[str]) -> bool:
    """Tells whether the host is one of those that may be private, in any case of its letters."""
    return host.lower() in {one.lower() for one in private_hosts}


def host_of(url: str) -> str:
    """Returns the host of the address, with its port if one is given: for lists and the log."""
    parts = _parts(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts.port}" if parts.port else host


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # Raises ValueError for one that is no number.
        _ = parts.port
    except ValueError:
        # The error would name a part of the address.
        raise ConfigurationError(
            "the address to post to is not a valid URL", remedy="Correct the address"
        ) from None
    return parts


def refused(host: str, address: str) -> ConfigurationError:
    """Returns the error of a host with an address that is not public."""
    where = host if host == address else f"{host} ({address})"
    return ConfigurationError(
        f"posting to {where} is refused: it is not on the public internet",
        setting=HOSTS_SETTING,
        remedy=f"If it may be posted to, add {host} to callback_hosts of the approval setup",
    )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tells whether the address, or the IPv4 address inside of it, is on the public internet."""
    if isinstance(address, IPv6Address):
        if inner := _inner(address):
            return is_public(inner)
        if address.is_site_local:
            return False
    elif any(address in network for network in OF_CLOUDS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def resolve(host: str, port: int) -> Sequence[str]:
    """Returns the addresses of a host by the system's resolver; blocks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def public_addresses(
    host: str, port: int, threads: ThreadPoolExecutor, resolver: Resolve = resolve
) -> list[str]:
    """Returns the addresses of the host; raises ConfigurationError unless all are public.

    Connect to one of these, and not to the name: another question may have another answer.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(threads, resolver, host, port)
    # A label that is too long is a UnicodeError.
    except (OSError, UnicodeError):
        raise HostUnavailable(f"the host {host} is not found") from None
    if not found:
        raise HostUnavailable(f"the host {host} is not found")
    for one in found:
        if not is_public(ip_address(one)):
            raise refused(host, one)
    return list(found)
