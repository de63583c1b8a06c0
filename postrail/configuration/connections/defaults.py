"""The values that follow from the other ones of an outgoing connection. Pure."""

from __future__ import annotations

import ipaddress

from postrail.configuration.connections.microsoft_clouds import (
    WORLDWIDE,
    cloud_named,
    cloud_of_host,
)
from postrail.configuration.javamail.meanings import LONGEST_TIMEOUT_MS

DEFAULT_TIMEOUT_MS = LONGEST_TIMEOUT_MS
GOOGLE_SMTP = "smtp.gmail.com"
# RFC 8314: 465 is submission with implicit TLS, 587 with STARTTLS; 25 is relay between servers.
SMTP_PORTS = {"none": 25, "starttls_if_available": 25, "starttls": 587, "ssl": 465}
GRAPH_PORT = 443
# With these the connection may be unencrypted.
PLAIN = ("none", "starttls_if_available")
# Exchange Online limits: a mailbox sends 30 messages a minute.
MICROSOFT_MAILS_PER_MINUTE = 30


def default_host(mode: str, microsoft_host: str, provider: str = "microsoft") -> str:
    """Returns the provider's server for a connection that names none; blank: there is none."""
    if mode == "smtp" or (mode == "oauth2" and provider == "custom"):
        return ""
    if mode == "oauth2" and provider == "google":
        return GOOGLE_SMTP
    cloud = cloud_named(microsoft_host) if microsoft_host else WORLDWIDE
    if cloud is None:
        return microsoft_host.lower()
    return cloud.graph if mode == "graph" else cloud.smtp


def default_port(mode: str, encryption: str) -> int:
    """Returns the port that the mode and the encryption imply."""
    return GRAPH_PORT if mode == "graph" else SMTP_PORTS[encryption]


def default_minute_limit(mode: str, host: str) -> int:
    """Returns the messages a minute that the server is known to allow; 0: no limit is known."""
    limited = mode == "graph" or cloud_of_host(host) is not None
    return MICROSOFT_MAILS_PER_MINUTE if limited else 0


def is_this_machine(host: str) -> bool:
    """Returns whether a server's name stands for this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
