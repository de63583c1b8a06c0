"""Runs GreenMail, the demo's mail server (SMTP, IMAP with IDLE), in memory, on loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from postrail.embedded.java import JavaProgram, java_command
from postrail.embedded.ports import LOOPBACK, answers
from postrail.embedded.processes import Child
from postrail.errors import ConfigurationError

GREENMAIL = JavaProgram(
    "GreenMail 2.1.13",
    "com.icegreen:greenmail-standalone:2.1.13",
    "com.icegreen.greenmail.standalone.GreenMailStandaloneRunner",
)
READY_SECONDS = 60.0


class GreenMail:
    """A mail server with these users that accepts messages for any address.

    `users` maps an address, which is also the login, to its password.
    """

    name = "greenmail"

    def __init__(
        self,
        folder: Path,
        jars: Sequence[Path],
        *,
        smtp_port: int,
        imap_port: int,
        api_port: int,
        users: Mapping[str, str],
        heap_mib: int = 128,
    ) -> None:
        self.folder = folder
        self.smtp_port = smtp_port
        self.imap_port = imap_port
        self.api_port = api_port
        self._users = dict(users)
        self._jars = tuple(jars)
        self._heap_mib = heap_mib
        self._child = self._make_child()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return (self.smtp_port, self.imap_port, self.api_port)

    @property
    def child(self) -> Child:
        """The server's process."""
        return self._child

    def launch(self, announce: Callable[[str], None] = lambda line: None) -> None:
        """Starts the process without waiting until it answers."""
        announce("GreenMail: starting")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child.start()

    def wait_ready(self) -> None:
        """Waits until all its ports answer."""
        self._child.wait_until(lambda: all(map(answers, self.ports)), READY_SECONDS)

    def start(self) -> None:
        """Starts the server and waits until its ports answer."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Stops the server; its messages are lost."""
        self._child.stop()

    def kill(self) -> None:
        """Ends the server by SIGKILL; its messages are lost."""
        self._child.kill()

    def _make_child(self) -> Child:
        options = {
            "smtp.hostname": LOOPBACK,
            "smtp.port": self.smtp_port,
            "imap.hostname": LOOPBACK,
            "imap.port": self.imap_port,
            "api.hostname": LOOPBACK,
            "api.port": self.api_port,
            "users": ",".join(_user_option(*user) for user in self._users.items()),
            "users.login": "email",
        }
        lines = tuple(f"-Dgreenmail.{name}={value}" for name, value in options.items())
        command = java_command(GREENMAIL, self._jars, heap_mib=self._heap_mib, options=lines)
        return Child(
            "GreenMail",
            command,
            log_file=self.folder / "greenmail.log",
            pid_file=self.folder / "greenmail.pid",
            # It has no data to save.
            stop_seconds=3.0,
        )


def _user_option(address: str, password: str) -> str:
    """Returns the user in GreenMail's notation, local:password@domain."""
    local, _, domain = address.partition("@")
    if not local or not domain or any(mark in address + password for mark in ",:"):
        raise ConfigurationError(f"{address} cannot be a user of the demo's mail server")
    return f"{local}:{password}@{domain}"
