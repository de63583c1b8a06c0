"""The fetcher's state in PostgreSQL: how far each mailbox was read, and a row for each message."""

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
from postrail.incoming import refetch
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
    """The fetcher's state; all calls raise TransientError while PostgreSQL is unavailable."""

    async def accounts(self) -> list[MailAccount]:
        """Returns all mail accounts."""

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        """Returns how far a folder was read; a new UIDVALIDITY starts at 0."""

    async def count_again(self, state: SyncState) -> SyncState:
        """Returns the state of a folder whose server gives UIDs again: it is listed anew."""

    async def record(
        self,
        state: SyncState,
        fetched: Sequence[FetchedRow],
        unreadable: Sequence[UnreadableRow],
        keys: Sequence[str] = (),
    ) -> set[str]:
        """Saves the messages' rows and how far the folder is read, in one transaction.

        `keys` are the messages' keys, in mailboxes that identify messages by keys. Returns the ids
        of the fetched messages without those that were parked before: the handler passes their
        records over, and the request for them needs them in the mailbox.
        """

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        """Returns those of the messages that were published and recorded."""

    async def contact(
        self, mailbox: str, error: PipelineError | None, read_until: datetime | None = None
    ) -> None:
        """Saves the result of a poll; best effort, never raises.

        `read_until` is for a poll that left no message behind: the time at which it began.
        """

    async def fetched_since(self, mailbox: str, since: datetime) -> int:
        """Counts the mailbox's messages that any process has fetched since that time."""

    async def known(self, mail_ids: Sequence[str]) -> set[str]:
        """Returns those of the messages that have a row, in whatever state."""

    async def ask_for_failed(
        self, mail_ids: Sequence[str], requested_by: str, *, at_once: bool
    ) -> None:
        """Asks for those of the messages again that failed without their bytes.

        Those that wait for a later time only become due if it is to be `at_once`.
        """

    async def due_reconciliation(self, mailbox: str) -> Reconciliation | None:
        """Returns the comparison of the mailbox with its rows to make now, if one is due."""

    async def note_reconciliation(self, made: Reconciliation, found: Round) -> None:
        """Adds the figures of one round of a comparison."""


class PostgresStore:
    """The Store on a pool of connections; it reports PostgreSQL to the process's health."""

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
        async with self.transaction() as connection:
            return await mail_accounts(connection)

    async def token_rows(self) -> list[TokenRow]:
        """Returns the states of all accounts' tokens."""
        async with self.transaction() as connection:
            return await all_rows(connection)

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        async with self.transaction() as connection:
            return await sync_state.begin(
                connection, mailbox, folder, uid_validity, self._clock.now()
            )

    async def count_again(self, state: SyncState) -> SyncState:
        async with self.transaction() as connection:
            return await sync_state.count_again(connection, state, self._clock.now())

    async def record(
        self,
        state: SyncState,
        fetched: Sequence[FetchedRow],
        unreadable: Sequence[UnreadableRow],
        keys: Sequence[str] = (),
    ) -> set[str]:
        recorded = {row.mail_id for row in fetched}
        async with self.transaction() as connection:
            if fetched and await record_fetched(connection, fetched) < len(fetched):
                recorded = await acknowledged(connection, list(recorded))
            if unreadable:
                await record_unreadable(connection, unreadable)
            if keys:
                await mailbox_ledger.mark_recorded(connection, state.mailbox, state.folder, keys)
            await sync_state.advance(connection, state, self._clock.now())
        return recorded

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        async with self.transaction() as connection:
            return await acknowledged(connection, mail_ids)

    async def contact(
        self, mailbox: str, error: PipelineError | None, read_until: datetime | None = None
    ) -> None:
        now = self._clock.now()
        with contextlib.suppress(TransientError):
            async with self.transaction() as connection:
                if error is None:
                    await last_contact.reached(connection, mailbox, now, read_until)
                else:
                    await last_contact.failed(connection, mailbox, error, now)

    async def fetched_since(self, mailbox: str, since: datetime) -> int:
        async with self.transaction() as connection:
            return await fetched_since(connection, mailbox, since)

    async def known(self, mail_ids: Sequence[str]) -> set[str]:
        async with self.transaction() as connection:
            return await known(connection, mail_ids)

    async def ask_for_failed(
        self, mail_ids: Sequence[str], requested_by: str, *, at_once: bool
    ) -> None:
        async with self.transaction() as connection:
            await refetch.request_found(
                connection,
                mail_ids,
                requested_by=requested_by,
                at_once=at_once,
                now=self._clock.now(),
            )

    async def due_reconciliation(self, mailbox: str) -> Reconciliation | None:
        async with self.transaction() as connection:
            return await reconciliation.due(
                connection, mailbox, every=self._reconcile_every, now=self._clock.now()
            )

    async def note_reconciliation(self, made: Reconciliation, found: Round) -> None:
        async with self.transaction() as connection:
            await reconciliation.note(
                connection, made.reconciliation_id, found, now=self._clock.now()
            )

    async def number(
        self, mailbox: str, folder: str, keys: Sequence[str], *, whole: bool
    ) -> dict[str, int]:
        """Returns the numbers of a mailbox's keys; see `postrail.mailbox.ledger`."""
        async with self.transaction() as connection:
            return await mailbox_ledger.number(
                connection, mailbox, folder, keys, whole=whole, now=self._clock.now()
            )

    async def delta(self, mailbox: str, folder: str) -> Delta | None:
        """Returns the saved delta link of a Microsoft Graph folder."""
        async with self.transaction() as connection:
            return await graph_delta.load(connection, mailbox, folder)

    async def save_delta(self, mailbox: str, folder: str, delta: Delta) -> None:
        """Saves the delta link of a folder."""
        async with self.transaction() as connection:
            await graph_delta.save(connection, mailbox, folder, delta)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Opens a transaction; reports to the process's health whether PostgreSQL is available."""
        try:
            async with transaction(self._pool) as connection:
                yield connection
        except sync_state.Renumbered:
            raise
        except TransientError as error:
            self._health.down("database", str(error))
            raise
        self._health.up("database")
