"""The role that keeps a mailbox within Graph's limits, and one that counts in this process only.

Senders use the one that counts over all processes: `postrail.graph_limits.shared`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

# Graph serves four requests of a mailbox at once; the fetcher uses one of them.
AT_ONCE = 3


class GraphLimits(Protocol):
    """Lets messages be sent as far as the limits of their mailbox allow."""

    def use(
        self, requests: int, upload_bytes: int, end_before: float
    ) -> AbstractAsyncContextManager[None]:
        """Waits for one of the places, which is taken within the block, and counts the requests.

        The block ends before `end_before`, in steady seconds. Raises
        ServerUnavailable, with the seconds to wait, when the limits are reached.
        """


class OwnLimits:
    """Counts what this process has at work, and nothing else: for tests of a connection."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    @contextlib.asynccontextmanager
    async def use(self, requests: int, upload_bytes: int, end_before: float) -> AsyncIterator[None]:
        """Waits for a place."""
        async with self._places:
            yield
