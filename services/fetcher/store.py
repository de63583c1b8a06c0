"""What the fetcher keeps in PostgreSQL: how far each mailbox was read, and a row for each mail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from postrail.accounts.models import MailAccount
from postrail.accounts.store import mail_accounts
from postrail.clock import Clock
from postrail.database import Connection, Pool, transaction
from postrail.errors import PipelineError, TransientError
from postrail.mails import contact, sync_state
from postrail.mails.incoming import FetchedRow, record_fetched
from postrail.mails.sync_state import SyncState, UnreadableRow
from postrail.observe.health import Health


class Store(Protocol):
    """All calls raise TransientError while PostgreSQL is away."""

    async def accounts(self) -> list[MailAccount]:
        """All mail accounts."""

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        """How far a folder was read; from the start when its UIDVALIDITY is a new one."""

    async def record(
        self, state: SyncState, fetched: Sequence[FetchedRow], unreadable: Sequence[UnreadableRow]
    ) -> None:
        """Saves the mails' rows and how far the folder is read now, all or nothing."""

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        """Which of these mails were read and recorded."""

    async def contact(self, mailbox: str, error: PipelineError | None) -> None:
        """Notes how a look at the mailbox went, for people; never raises, as nothing needs it."""


class PostgresStore:
    """The Store on a pool of connections; tells the process's health how PostgreSQL is."""

    def __init__(self, pool: Pool, health: Health, clock: Clock) -> None:
        self._pool = pool
        self._health = health
        self._clock = clock

    async def accounts(self) -> list[MailAccount]:
        async with self._transaction() as connection:
            return await mail_accounts(connection)

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        async with self._transaction() as connection:
            return await sync_state.begin(
                connection, mailbox, folder, uid_validity, self._clock.now()
            )

    async def record(
        self, state: SyncState, fetched: Sequence[FetchedRow], unreadable: Sequence[UnreadableRow]
    ) -> None:
        async with self._transaction() as connection:
            if fetched:
                await record_fetched(connection, fetched)
            if unreadable:
                await sync_state.record_unreadable(connection, unreadable)
            await sync_state.advance(connection, state, self._clock.now())

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        async with self._transaction() as connection:
            return await sync_state.acknowledged(connection, mail_ids)

    async def contact(self, mailbox: str, error: PipelineError | None) -> None:
        now = self._clock.now()
        with contextlib.suppress(TransientError):
            async with self._transaction() as connection:
                if error is None:
                    await contact.reached(connection, mailbox, now)
                else:
                    await contact.failed(connection, mailbox, error, now)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with transaction(self._pool) as connection:
                yield connection
        except sync_state.Renumbered:
            raise
        except TransientError as error:
            self._health.down("database", str(error))
            raise
        self._health.up("database")
