"""Opens mailboxes: the implementation for an account's protocol, on its state in PostgreSQL.

A session begins where the folder was read to, unless its server counts back.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from postrail.clock import Clock, SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import Transactions
from postrail.errors import TransientError
from postrail.graph_limits.shared import RequestBudget
from postrail.mailbox import Mailbox
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.graph.delta import Delta
from postrail.mailbox.graph.mailbox import GraphMailbox
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.mailbox_state.sync_state import SyncState
from postrail.oauth.tokens import AccessTokens
from postrail.observe.log import log
from postrail.secrets import Secrets
from postrail.wire.login import login_for
from services.fetcher.resources import SharedResources
from services.fetcher.store import PostgresStore
from services.fetcher.threads import Threads

logger = log("fetcher")

T = TypeVar("T")

# The statements have time limits of their own; this one is for an event loop that has ended.
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class MailboxOpener:
    """Makes mailboxes for accounts and opens them, as many at once as there are slots."""

    mailbox_for: Callable[[MailAccount], Mailbox]
    # Fewer than there are threads, so that silent servers leave some to the other mailboxes.
    slots: asyncio.Semaphore

    async def open(self, mailbox: Mailbox, threads: Threads) -> int:
        """Opens a mailbox in a thread; returns its UIDVALIDITY."""
        async with self.slots:
            return await threads.run(mailbox.open)


async def begin_session(
    resources: SharedResources, mailbox: Mailbox, account: MailAccount, uid_validity: int
) -> SyncState:
    """Returns how far the folder was read: from the start when its server gives UIDs again.

    UIDNEXT never decreases (RFC 3501, 2.3.1.1). Where it is below what was read, new messages have
    UIDs that count as read. Some servers report a wrong UIDNEXT, and have messages above it.
    """
    state = await resources.store.begin(account.name, account.folder, uid_validity)
    uid_next = mailbox.uid_next
    if not 0 < uid_next <= state.last_uid:
        return state
    if await resources.threads.run(mailbox.list_after, uid_next - 1, with_sizes=False):
        return state
    again = await resources.store.count_again(state)
    logger.warning(
        "mailbox counts back and is listed anew",
        mailbox=account.name,
        folder=account.folder,
        uid_validity=uid_validity,
        uid_next=uid_next,
        last_uid=state.last_uid,
        generation=again.generation,
    )
    return again


class MailboxFactory:
    """Makes the Mailbox for an account's protocol, not opened yet."""

    def __init__(
        self,
        store: PostgresStore,
        secrets: Secrets,
        tokens: AccessTokens,
        clock: Clock,
        full_listing_seconds: float,
        transactions: Transactions,
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._secrets = secrets
        self._tokens = tokens
        self._clock = clock
        self._full_listing_seconds = full_listing_seconds

    def mailbox_for(self, account: MailAccount) -> Mailbox:
        """Makes the mailbox; raises ConfigurationError when its secret cannot be revealed."""
        # Before all else: an observer gets no secrets, and no mailbox that needs none either.
        login = login_for(account, self._secrets, self._tokens)
        state = PostgresFolderState(
            self._store, asyncio.get_running_loop(), account.name, account.folder
        )
        match account.protocol:
            case "folder":
                # Its files have the times of the machine's own clock.
                return FolderMailbox(account, state, SystemClock())
            case "microsoft_graph":
                return GraphMailbox(
                    account,
                    self._tokens.bearer(account),
                    ledger=state,
                    deltas=state,
                    clock=self._clock,
                    full_listing_seconds=self._full_listing_seconds,
                    take_request=self._request_budget(account),
                )
            case "pop3":
                return Pop3Mailbox(account, login, state)
            case _:
                return ImapMailbox(account, login)

    def _request_budget(self, account: MailAccount) -> RequestBudget:
        """Returns what counts the mailbox's requests together with those of senders."""
        named = account.username if account.username.lower() != "me" else ""
        loop = asyncio.get_running_loop()
        return RequestBudget(self._transactions, self._clock, loop, named or account.address)


class PostgresFolderState:
    """The roles Ledger and Deltas for one folder, for the threads that mailboxes run in.

    It asks the event loop that the pool of connections belongs to, and raises TransientError while
    PostgreSQL is unavailable.
    """

    def __init__(
        self, store: PostgresStore, loop: asyncio.AbstractEventLoop, mailbox: str, folder: str
    ) -> None:
        self._store = store
        self._loop = loop
        self._mailbox = mailbox
        self._folder = folder

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """Returns the number of each key; see `postrail.mailbox.ledger`."""
        return self._ask(self._store.number(self._mailbox, self._folder, keys, whole=whole))

    def load(self) -> Delta | None:
        """Returns the delta link that was saved last."""
        return self._ask(self._store.delta(self._mailbox, self._folder))

    def save(self, delta: Delta) -> None:
        """Saves a delta link."""
        self._ask(self._store.save_delta(self._mailbox, self._folder, delta))

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return answer.result(ANSWER_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            raise TransientError("PostgreSQL did not answer a mailbox in time") from error
