"""What the fetcher keeps in PostgreSQL: how far each mailbox was read, and a row for each mail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from postrail.clock import Clock
from postrail.configuration.load import mail_accounts
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import Connection, Pool, transaction
from postrail.errors import PipelineError, TransientError
from postrail.incoming.fetched import (
    FetchedRow,
    UnreadableRow,
    acknowledged,
    fetched_since,
    known,
    record_fetched,
    record_unreadable,
)
from postrail.mailbox.graph.delta import Delta
from postrail.mailbox_state import graph_delta, last_contact, reconciliation, sync_state
from postrail.mailbox_state import ledger as mailbox_ledger
from postrail.mailbox_state.reconciliation import Reconciliation, Round
from postrail.mailbox_state.sync_state import SyncState
from postrail.oauth.token_table import TokenRow, all_rows
from postrail.observe.health import Health


class Store(Protocol):
    """All calls raise TransientError while PostgreSQL is away."""

    async def accounts(self) -> list[MailAccount]:
        """All mail accounts."""

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        """How far a folder was read; from the start when its UIDVALIDITY is a new one."""

    async def record(
        self,
        state: SyncState,
        fetched: Sequence[FetchedRow],
        unreadable: Sequence[UnreadableRow],
        keys: Sequence[str] = (),
    ) -> None:
        """Saves the mails' rows and how far the folder is read now, all or nothing.

        `keys` are those of the mails, where their mailbox names mails by keys.
        """

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        """Which of these mails were read and recorded."""

    async def contact(self, mailbox: str, error: PipelineError | None) -> None:
        """Notes how a look at the mailbox went, for people; never raises, as nothing needs it."""

    async def fetched_since(self, mailbox: str, since: datetime) -> int:
        """How many mails of the mailbox were fetched since then, by whomever."""

    async def known(self, mail_ids: Sequence[str]) -> set[str]:
        """Which of these mails have a row, whatever became of them."""

    async def due_reconciliation(self, mailbox: str) -> Reconciliation | None:
        """The comparison of the mailbox with its rows that is to be made now."""

    async def note_reconciliation(self, made: Reconciliation, found: Round) -> None:
        """Adds what a round of it found."""


class PostgresStore:
    """The Store on a pool of connections; tells the process's health how PostgreSQL is."""

    def __init__(
        self,
        pool: Pool,
        health: Health,
        clock: Clock,
        reconcile_every: timedelta = timedelta(days=1),
    ) -> None:
        self._pool = pool
        self._health = health
        self._clock = clock
        self._reconcile_every = reconcile_every

    async def accounts(self) -> list[MailAccount]:
        async with self._transaction() as connection:
            return await mail_accounts(connection)

    async def token_rows(self) -> list[TokenRow]:
        """What is known of the tokens of all accounts."""
        async with self._transaction() as connection:
            return await all_rows(connection)

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        async with self._transaction() as connection:
            return await sync_state.begin(
                connection, mailbox, folder, uid_validity, self._clock.now()
            )

    async def record(
        self,
        state: SyncState,
        fetched: Sequence[FetchedRow],
        unreadable: Sequence[UnreadableRow],
        keys: Sequence[str] = (),
    ) -> None:
        async with self._transaction() as connection:
            if fetched:
                await record_fetched(connection, fetched)
            if unreadable:
                await record_unreadable(connection, unreadable)
            if keys:
                await mailbox_ledger.mark_recorded(connection, state.mailbox, state.folder, keys)
            await sync_state.advance(connection, state, self._clock.now())

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        async with self._transaction() as connection:
            return await acknowledged(connection, mail_ids)

    async def contact(self, mailbox: str, error: PipelineError | None) -> None:
        now = self._clock.now()
        with contextlib.suppress(TransientError):
            async with self._transaction() as connection:
                if error is None:
                    await last_contact.reached(connection, mailbox, now)
                else:
                    await last_contact.failed(connection, mailbox, error, now)

    async def fetched_since(self, mailbox: str, since: datetime) -> int:
        async with self._transaction() as connection:
            return await fetched_since(connection, mailbox, since)

    async def known(self, mail_ids: Sequence[str]) -> set[str]:
        async with self._transaction() as connection:
            return await known(connection, mail_ids)

    async def due_reconciliation(self, mailbox: str) -> Reconciliation | None:
        async with self._transaction() as connection:
            return await reconciliation.due(
                connection, mailbox, every=self._reconcile_every, now=self._clock.now()
            )

    async def note_reconciliation(self, made: Reconciliation, found: Round) -> None:
        async with self._transaction() as connection:
            await reconciliation.note(
                connection, made.reconciliation_id, found, now=self._clock.now()
            )

    async def number(
        self, mailbox: str, folder: str, keys: Sequence[str], *, whole: bool
    ) -> dict[str, int]:
        """The numbers of a mailbox's keys; see `postrail.mailbox.ledger`."""
        async with self._transaction() as connection:
            return await mailbox_ledger.number(
                connection, mailbox, folder, keys, whole=whole, now=self._clock.now()
            )

    async def delta(self, mailbox: str, folder: str) -> Delta | None:
        """Where Microsoft Graph's delta of a folder goes on."""
        async with self._transaction() as connection:
            return await graph_delta.load(connection, mailbox, folder)

    async def save_delta(self, mailbox: str, folder: str, delta: Delta) -> None:
        """Keeps where it goes on."""
        async with self._transaction() as connection:
            await graph_delta.save(connection, mailbox, folder, delta)

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
