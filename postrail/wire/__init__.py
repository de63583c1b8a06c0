"""What mail accounts and outgoing connections share when they talk to their servers.

Checks a connection (name, port, TLS, certificate and greeting, each timed), words its faults, logs
the dialogue, and makes the SASL messages of a login. It takes a `Server`: an account, or what the
courier makes of a connection. It blocks, and one thread runs a check from start to end.
"""

from __future__ import annotations

from typing import Protocol

# Connecting cannot be interrupted, so it must not delay the end of the process for long.
CONNECT_TIMEOUT_SECONDS = 10.0


class Server(Protocol):
    """A server to connect to, with the settings that its errors name."""

    @property
    def title(self) -> str:
        """Returns what is configured, as errors name it: mail account help."""

    @property
    def name(self) -> str:
        """Returns the name of the account or connection."""

    @property
    def command_group(self) -> str:
        """Returns the group of commands for it, such as accounts."""

    @property
    def host(self) -> str:
        """Returns its host name."""

    @property
    def port(self) -> int:
        """Returns its port."""

    @property
    def usual_ports(self) -> tuple[int, int]:
        """Returns the protocol's usual ports without and with TLS from the start."""

    @property
    def wire_protocol(self) -> str:
        """Returns the protocol that it understands: imap, pop3, smtp."""

    @property
    def encryption(self) -> str:
        """Returns none, ssl, starttls or starttls_if_available."""

    @property
    def timeout_ms(self) -> int:
        """Returns the time limit of each step."""

    @property
    def username(self) -> str:
        """Returns the login name, or a blank text."""

    @property
    def ca_file(self) -> str:
        """Returns the file of the authorities to trust; blank: the system's."""

    @property
    def verify_certificate(self) -> bool:
        """Returns whether its certificate is verified."""

    @property
    def min_tls_version(self) -> str:
        """Returns the oldest version of TLS to speak: 1.2 or 1.3."""


def connect_timeout_seconds(server: Server) -> float:
    """Returns the server's timeout, or the limit for connecting if that is shorter."""
    return min(server.timeout_ms / 1000, CONNECT_TIMEOUT_SECONDS)
