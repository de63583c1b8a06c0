"""Repeats work that met a transient fault: health down, a log line, a back-off pause, and again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from postrail.errors import TransientError
from postrail.observe.health import Health
from postrail.observe.log import log
from postrail.retry import backoff_seconds

logger = log(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryLoop:
    """How one part of a process reports a transient fault and how long it pauses after it."""

    # The log event of a fault, and the part that is reported with it.
    event: str
    part: str
    # None: the process stays ready while this part pauses.
    health: Health | None
    # Waits for a number of seconds; may return early when the process stops.
    pause: Callable[[float], Awaitable[object]]
    base_seconds: float
    max_seconds: float

    async def run(
        self,
        action: Callable[[], Awaitable[T]],
        stop: asyncio.Event,
        *,
        worthwhile: Callable[[], bool] = lambda: True,
    ) -> T | None:
        """Returns what the action returns, once it meets no transient fault.

        Returns None when the process stops, or the action is no longer worthwhile, after a fault.
        """
        for attempt in itertools.count(1):
            if self.health:
                self.health.beat()
            try:
                found = await action()
            except TransientError as error:
                await self._after(error, attempt)
            else:
                if self.health:
                    self.health.up(self.part)
                return found
            if stop.is_set() or not worthwhile():
                break
        return None

    async def _after(self, error: TransientError, attempt: int) -> None:
        if self.health:
            self.health.down(self.part, str(error))
        logger.warning(self.event, part=self.part, reason=str(error), attempt=attempt)
        await self.pause(backoff_seconds(attempt, self.base_seconds, self.max_seconds))
