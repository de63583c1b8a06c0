"""What the operators configured, as those who handle mail need it: read again every few seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.configuration import store
from postrail.configuration.models import MailAccount, OutgoingConnection, Project
from postrail.database import Connection

RELOAD_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ConfigurationSnapshot:
    """The mail accounts, projects and outgoing connections of one moment."""

    accounts: dict[str, MailAccount] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    connections: dict[str, OutgoingConnection] = field(default_factory=dict)

    @property
    def own_addresses(self) -> frozenset[str]:
        """The addresses that are ours: never told of anything, never participants."""
        watched = {account.address.lower() for account in self.accounts.values()}
        sending = {connection.from_address.lower() for connection in self.connections.values()}
        return frozenset(watched | sending)

    def connection_for(self, project_key: str) -> OutgoingConnection | None:
        """The project's outgoing connection, or the default one, if there is one."""
        project = self.projects.get(project_key)
        if project and project.connection in self.connections:
            return self.connections[project.connection]
        enabled = [connection for connection in self.connections.values() if connection.enabled]
        return next((connection for connection in enabled if connection.is_default), None)

    def reply_address(self, project_key: str, mailbox: str | None) -> str:
        """Where answers about an issue should go: the address at which its mail arrived."""
        if mailbox in self.accounts:
            return self.accounts[mailbox].address
        watched = (a.address for a in self.accounts.values() if a.project == project_key)
        return next(watched, "")


async def load(connection: Connection) -> ConfigurationSnapshot:
    """What is configured now."""
    accounts = await store.mail_accounts(connection)
    projects = await store.projects(connection)
    connections = await store.outgoing_connections(connection)
    return ConfigurationSnapshot(
        accounts={account.name: account for account in accounts},
        projects={project.key: project for project in projects},
        connections={outgoing.name: outgoing for outgoing in connections},
    )


class CachedRouting:
    """The routing, at most some seconds old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loaded_at: datetime | None = None
        self._routing = ConfigurationSnapshot()

    async def current(self, connection: Connection) -> ConfigurationSnapshot:
        """The routing; read again when it is too old."""
        now = self._clock.now()
        if self._loaded_at is None or now - self._loaded_at > timedelta(seconds=RELOAD_SECONDS):
            self._routing = await load(connection)
            self._loaded_at = now
        return self._routing
