"""The role Ledger on the fetcher's pool of connections, for the threads that mailboxes run in."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from postrail.errors import TransientError
from services.fetcher.store import PostgresStore

T = TypeVar("T")

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
        return answer_of(
            self._loop, self._store.number(self._mailbox, self._folder, keys, whole=whole)
        )


def answer_of(loop: asyncio.AbstractEventLoop, question: Coroutine[Any, Any, T]) -> T:
    """What PostgreSQL answers; for a thread that is not the event loop's."""
    asked = asyncio.run_coroutine_threadsafe(question, loop)
    try:
        return asked.result(ANSWER_SECONDS)
    except (TimeoutError, concurrent.futures.CancelledError) as error:
        raise TransientError("PostgreSQL did not answer a mailbox in time") from error
