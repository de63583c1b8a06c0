"""Reads the configuration from the database: kind by kind, or as one snapshot."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.configuration import store
from postrail.configuration.models.credential import OAUTH_CREDENTIAL, OAuthCredential
from postrail.configuration.models.mail_account import MAIL_ACCOUNT, MailAccount
from postrail.configuration.models.mail_handler import MAIL_HANDLER, MailHandler
from postrail.configuration.models.outgoing_connection import (
    OUTGOING_CONNECTION,
    OutgoingConnection,
)
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import PRIORITY, Priority
from postrail.configuration.models.project import Project
from postrail.configuration.person_rows import PERSON
from postrail.configuration.project_rows import PROJECT
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, rows, stored_as_they_are

RELOAD_SECONDS = 5.0


async def mail_accounts(connection: Connection) -> list[MailAccount]:
    """Returns all mail accounts, disabled ones included, by name."""
    return await store.read(connection, MAIL_ACCOUNT)


async def oauth_credentials(connection: Connection) -> list[OAuthCredential]:
    """Returns all OAuth2 credentials, by name."""
    return await store.read(connection, OAUTH_CREDENTIAL)


async def mail_handlers(connection: Connection) -> list[MailHandler]:
    """Returns all mail handlers, disabled ones included, in the order in which they are asked."""
    found = await store.read(connection, MAIL_HANDLER)
    return sorted(found, key=lambda handler: (handler.order, handler.name))


async def outgoing_connections(connection: Connection) -> list[OutgoingConnection]:
    """Returns all outgoing connections, disabled ones included, by name."""
    return await store.read(connection, OUTGOING_CONNECTION)


async def people(connection: Connection) -> list[Person]:
    """Returns all persons, inactive ones included, by address."""
    return await store.read(connection, PERSON)


async def projects(connection: Connection) -> list[Project]:
    """Returns all projects, by key."""
    return await store.read(connection, PROJECT)


async def priorities(connection: Connection) -> list[Priority]:
    """Returns the five priorities, the most urgent first."""
    return await store.read(connection, PRIORITY)


async def own_addresses(connection: Connection) -> frozenset[str]:
    """Returns our own addresses in lower case, as `ConfigurationSnapshot.own_addresses` does."""
    found = await rows(
        connection,
        "SELECT lower(address) FROM mail_account UNION SELECT lower(from_address)"
        " FROM outgoing_connection UNION SELECT address FROM project WHERE address <> ''",
    )
    return frozenset(address for (address,) in found)


async def load_snapshot(connection: Connection) -> ConfigurationSnapshot:
    """Returns the configuration as it is now, with the change that it was read at."""
    change_id = await store.latest_change_id(connection)
    while True:
        accounts = await mail_accounts(connection)
        found_projects = await projects(connection)
        connections = await outgoing_connections(connection)
        handlers = await mail_handlers(connection)
        levels = await priorities(connection)
        # Each statement sees what is committed by then, so a change may come between two of them.
        read_at, change_id = change_id, await store.latest_change_id(connection)
        if read_at == change_id:
            break
    return ConfigurationSnapshot(
        change_id=change_id,
        accounts={account.name: account for account in accounts},
        projects={project.key: project for project in found_projects},
        connections={outgoing.name: outgoing for outgoing in connections},
        handlers=tuple(handlers),
        priorities={priority.level: priority.name for priority in levels},
    )


async def hold_projects(connection: Connection, keys: Collection[str]) -> None:
    """Keeps the projects as they are until this transaction ends (see `store.hold`)."""
    await store.hold(connection, PROJECT, stored_as_they_are(keys))


async def with_held_projects(
    connection: Connection, snapshot: ConfigurationSnapshot, keys: Collection[str]
) -> ConfigurationSnapshot:
    """Holds the projects and returns the snapshot, read again if something has changed since."""
    await hold_projects(connection, keys)
    if await store.latest_change_id(connection) == snapshot.change_id:
        return snapshot
    return await load_snapshot(connection)


class CachedSnapshot:
    """The configuration as of the latest recorded change, and at most RELOAD_SECONDS old.

    A database that was restored, or changed by SQL, has no record of that: the time limit finds it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loaded_at: datetime | None = None
        self._snapshot = ConfigurationSnapshot()

    async def current(
        self, connection: Connection, mailboxes: Collection[str] = ()
    ) -> ConfigurationSnapshot:
        """Returns the snapshot, which lacks one of these mailboxes only if it is not configured.

        It is read again on the caller's connection when there was a change, when it is too old, and
        when it lacks a mailbox.
        """
        change_id = await store.latest_change_id(connection)
        if self._is_old() or change_id != self._snapshot.change_id or self._lacks(mailboxes):
            self._snapshot = await load_snapshot(connection)
            self._loaded_at = self._clock.now()
        return self._snapshot

    def _is_old(self) -> bool:
        age_limit = timedelta(seconds=RELOAD_SECONDS)
        return self._loaded_at is None or self._clock.now() - self._loaded_at > age_limit

    def _lacks(self, mailboxes: Collection[str]) -> bool:
        return not self._snapshot.accounts.keys() >= set(mailboxes)
