"""Takes requests and places from the counts that all processes share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.database import Transactions
from postrail.errors import ServerUnavailable, TransientError
from postrail.graph_limits import table

WAIT_SECONDS = 0.25
# The fetcher takes this many requests at a time, and uses them within a minute.
BATCH = 40
BATCH_SECONDS = 60.0
ASK_SECONDS = 60.0


class SharedLimits:
    """The limits of one mailbox, for those that send messages as it."""

    def __init__(self, transactions: Transactions, clock: Clock, mailbox: str) -> None:
        self._transactions = transactions
        self._clock = clock
        self._mailbox = mailbox
        # No more than there are places, so that few tasks ask PostgreSQL for one.
        self._own = asyncio.Semaphore(table.PLACES)

    @contextlib.asynccontextmanager
    async def use(self, requests: int, upload_bytes: int, end_before: float) -> AsyncIterator[None]:
        """Waits for a place, counts the requests, and holds the place within the block.

        At `end_before`, in steady seconds, the place is free in any case: its process may have been
        killed. Raises ServerUnavailable, with the seconds to wait, when the limits are reached.
        """
        async with self._own:
            holder = await self._place(end_before)
            try:
                await take(self._transactions, self._clock, self._mailbox, requests, upload_bytes)
                yield
            finally:
                with contextlib.suppress(TransientError):
                    async with self._transactions() as connection:
                        await table.leave(connection, self._mailbox, holder)

    async def _place(self, end_before: float) -> str:
        while True:
            now, left = self._clock.now(), end_before - self._clock.steady()
            async with self._transactions() as connection:
                holder = await table.enter(
                    connection,
                    self._mailbox,
                    now=now,
                    until=now + timedelta(seconds=left),
                )
            if holder is not None:
                return holder
            await self._clock.sleep(WAIT_SECONDS)


class RequestBudget:
    """Requests that a thread may send; takes BATCH of them at a time from the count."""

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        mailbox: str,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._loop = loop
        self._mailbox = mailbox
        self._left = 0
        self._until = 0.0

    def __call__(self) -> None:
        """Takes one request; blocking. Raises ServerUnavailable when the limits are reached."""
        if self._left <= 0 or self._clock.steady() >= self._until:
            taking = take(self._transactions, self._clock, self._mailbox, BATCH, 0)
            asked = asyncio.run_coroutine_threadsafe(taking, self._loop)
            try:
                asked.result(ASK_SECONDS)
            except TimeoutError as error:
                asked.cancel()
                raise TransientError("PostgreSQL did not count the requests in time") from error
            self._left, self._until = BATCH, self._clock.steady() + BATCH_SECONDS
        self._left -= 1


# Called before each request.
TakeRequest = Callable[[], None]


async def take(
    transactions: Transactions, clock: Clock, mailbox: str, requests: int, upload_bytes: int
) -> None:
    """Counts requests; raises ServerUnavailable when the mailbox has used its limits."""
    now = clock.now()
    async with transactions() as connection:
        await table.forget_old(connection, mailbox, now)
        used = await table.add(
            connection, mailbox, requests=requests, upload_bytes=upload_bytes, now=now
        )
        if not used.is_within_limits:
            raise ServerUnavailable(
                f"{mailbox} has used the limits of Microsoft Graph:"
                f" {used.requests:,} requests in {table.REQUEST_MINUTES} minutes,"
                f" {used.upload_bytes:,} bytes of uploads in {table.UPLOAD_MINUTES}",
                after_seconds=_next_minute(now),
            )


def _next_minute(now: datetime) -> float:
    """Returns the seconds until the oldest minute stops to count."""
    return 60.0 - now.second
