"""The role Ledger on the fetcher's pool of connections, for the threads that mailboxes run in."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Sequence

from postrail.errors import TransientError
from services.fetcher.store import PostgresStore

# The statements have limits of their own; this one is for a process that is being ended.
ANSWER_SECONDS = 60.0


class PostgresLedger:
    """The keys of one mailbox; asks the event loop, which the pool belongs to."""

    def __init__(
        self, store: PostgresStore, loop: asyncio.AbstractEventLoop, mailbox: str, folder: str
    ) -> None:
        self._store = store
        self._loop = loop
        self._mailbox = mailbox
        self._folder = folder

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """The number of each key; raises TransientError while PostgreSQL is away."""
        asked = asyncio.run_coroutine_threadsafe(
            self._store.number(self._mailbox, self._folder, keys, whole=whole), self._loop
        )
        try:
            return asked.result(ANSWER_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            raise TransientError("the numbers of mails were not found in time") from error
