"""Runs the blocking calls to mail servers in a bounded pool of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from postrail.mailbox import Mailbox, MailboxUnavailable

T = TypeVar("T")
P = ParamSpec("P")

# Each operation on a socket has its own timeout, so a dripping server could hold a thread for ever.
# The largest message over the slowest line takes less than this.
LONGEST_CALL_SECONDS = 3600.0


class Threads:
    """Runs blocking calls in a bounded pool."""

    def __init__(self, pool: Executor, longest_seconds: float = LONGEST_CALL_SECONDS) -> None:
        self._pool = pool
        self._longest_seconds = longest_seconds

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the function returns; if the caller is cancelled, the call still ends alone.

        Raises MailboxUnavailable when it takes too long; `release` then frees the thread.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))
        try:
            async with asyncio.timeout(self._longest_seconds) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise MailboxUnavailable(
                f"a request to the mailbox took longer than {self._longest_seconds:g} seconds"
            ) from error

    def release(self, mailbox: Mailbox) -> None:
        """Breaks off a mailbox's connection, even during a call, and closes it in a thread."""
        mailbox.interrupt()
        self._pool.submit(mailbox.close)
