"""Reads the configuration from the database: kind by kind, or as one snapshot."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from postrail.clock import Clock
from postrail.configuration import store
from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.accounts.login import with_logins
from postrail.configuration.approvals.kind import APPROVAL_SETUP
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.connections.uses import User
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.contexts.kind import CONTEXT
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.kind import Kind
from postrail.configuration.kinds import identity, kind_of
from postrail.configuration.models.credential import OAUTH_CREDENTIAL, OAuthCredential
from postrail.configuration.models.limit import LIMIT
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import PRIORITY, Priority
from postrail.configuration.models.project import Project
from postrail.configuration.models.sender_filter import SENDER_FILTER
from postrail.configuration.person_rows import PERSON
from postrail.configuration.project_rows import PROJECT
from postrail.configuration.snapshot import ConfigurationSnapshot, snapshot_of
from postrail.configuration.templates.message_template import MESSAGE_TEMPLATE
from postrail.database import Connection, stored_as_they_are

RELOAD_SECONDS = 5.0
# The kinds of which a snapshot consists.
SNAPSHOT_KINDS: tuple[Kind[Any], ...] = (
    MAIL_ACCOUNT,
    APPROVAL_SETUP,
    PROJECT,
    OUTGOING_CONNECTION,
    MAIL_HANDLER,
    SENDER_FILTER,
    LIMIT,
    MESSAGE_TEMPLATE,
    CONTEXT,
    PRIORITY,
)


async def mail_accounts(connection: Connection) -> list[MailAccount]:
    """Returns all mail accounts, disabled ones included, by name, each with the login it uses."""
    accounts = await store.read(connection, MAIL_ACCOUNT)
    return with_logins(accounts, await outgoing_connections(connection))


async def approval_setups(connection: Connection) -> list[ApprovalSetup]:
    """Returns all approval setups, disabled ones included, by name."""
    return await store.read(connection, APPROVAL_SETUP)


async def oauth_credentials(connection: Connection) -> list[OAuthCredential]:
    """Returns all OAuth2 credentials, by name."""
    return await store.read(connection, OAUTH_CREDENTIAL)


async def mail_handlers(connection: Connection) -> list[MailHandler]:
    """Returns all mail handlers, disabled ones included, in the order in which they are asked."""
    found = await store.read(connection, MAIL_HANDLER)
    return sorted(found, key=lambda handler: (handler.order, handler.name))


async def contexts(connection: Connection) -> list[MessageContext]:
    """Returns all contexts, disabled ones included, in the order in which they are asked."""
    found = await store.read(connection, CONTEXT)
    return sorted(found, key=lambda context: (context.order, context.name))


async def users_of_connections(connection: Connection) -> list[User]:
    """Returns the things, other than projects, that may name an outgoing connection."""
    return [
        *await contexts(connection),
        *await approval_setups(connection),
        *await store.read(connection, MAIL_ACCOUNT),
    ]


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


async def load_snapshot(connection: Connection) -> ConfigurationSnapshot:
    """Returns the configuration as it is now, with the change that it was read at."""
    change_id = await store.latest_change_id(connection)
    while True:
        things = await _things(connection)
        # Each statement sees what is committed by then, so a change may come between two of them.
        read_at, change_id = change_id, await store.latest_change_id(connection)
        if read_at == change_id:
            return snapshot_of(change_id, things)


async def snapshot_at(connection: Connection, change_id: int) -> ConfigurationSnapshot:
    """Returns the configuration as it was right after a change; secrets are hidden in it.

    It takes back the later changes, so what was changed by SQL is as it is now. Raises
    PermanentError for values that this release does not understand.
    """
    kinds = {kind.word: kind for kind in SNAPSHOT_KINDS}
    things = {(kind_of(thing).word, identity(thing)): thing for thing in await _things(connection)}
    for word, name, before in await store.values_at(connection, change_id, list(kinds)):
        if before is None:
            things.pop((word, name), None)
        else:
            things[word, name] = store.former(kinds[word], before)
    return snapshot_of(change_id, things.values())


async def _things(connection: Connection) -> list[Configured]:
    return [thing for kind in SNAPSHOT_KINDS for thing in await store.read(connection, kind)]


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
