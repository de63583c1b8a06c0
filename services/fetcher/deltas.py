"""The role Deltas on the fetcher's pool of connections, for the threads that mailboxes run in."""

from __future__ import annotations

import asyncio

from postrail.mailbox.graph.delta import Delta
from services.fetcher.ledger import answer_of
from services.fetcher.store import PostgresStore


class PostgresDeltas:
    """The state of one folder; asks the event loop, which the pool belongs to."""

    def __init__(
        self, store: PostgresStore, loop: asyncio.AbstractEventLoop, mailbox: str, folder: str
    ) -> None:
        self._store = store
        self._loop = loop
        self._mailbox = mailbox
        self._folder = folder

    def load(self) -> Delta | None:
        """What was saved last; raises TransientError while PostgreSQL is away."""
        return answer_of(self._loop, self._store.delta(self._mailbox, self._folder))

    def save(self, delta: Delta) -> None:
        """Keeps it; raises TransientError while PostgreSQL is away."""
        answer_of(self._loop, self._store.save_delta(self._mailbox, self._folder, delta))
