"""Records that messages are about to be completed, so that a kill from then on is known of."""

from __future__ import annotations

import asyncio

from postrail.courier import TooLate
from postrail.database import Pool, autocommit
from postrail.outgoing import queue as outgoing
from postrail.outgoing.queue import BegunAttempt, Claimed


class Begun:
    """Commits the records in the order of their requests, all that wait in one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._waiting: dict[tuple[str, str], BegunAttempt] = {}
        # Whether the claim of each recorded delivery held; until its own task reads it.
        self._held: dict[tuple[str, str], bool] = {}

    async def record(self, claimed: Claimed, draft: str) -> None:
        """Commits the record; raises TooLate when the claim has expired, or TransientError."""
        key = claimed.key
        self._waiting[key] = BegunAttempt(claimed, draft)
        try:
            async with self._lock:
                if key not in self._held:
                    await self._commit()
                held = self._held[key]
        finally:
            self._waiting.pop(key, None)
            self._held.pop(key, None)
        if not held:
            raise TooLate("another sender may hold this message: its claim expired before the end")

    async def _commit(self) -> None:
        batch = dict(self._waiting)
        async with autocommit(self._pool) as connection:
            held = await outgoing.begin(connection, list(batch.values()))
        # Those that were cancelled meanwhile wait no more.
        for key in batch.keys() & self._waiting.keys():
            self._held[key] = key in held
            del self._waiting[key]
