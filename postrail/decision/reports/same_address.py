"""Compares the address in a report with the one that we wrote to. Pure."""

from __future__ import annotations

from postrail.notifications.addresses import ascii_domain


def same_address(reported: str, written: str) -> bool:
    """Tells whether a report means the address that a message was sent to.

    Servers drop what follows a plus sign, and hand messages on to a host below or above the
    address's own domain.
    """
    (local, domain), (own_local, own_domain) = _parts(reported), _parts(written)
    return local == own_local and (
        domain == own_domain
        or domain.endswith(f".{own_domain}")
        or own_domain.endswith(f".{domain}")
    )


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.strip().lower().rpartition("@")
    return local.partition("+")[0], ascii_domain(domain).rstrip(".")
