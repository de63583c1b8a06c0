"""Starts attempts; a large message that was in flight at a sender's death is attempted alone.

Large messages are marked as in flight right before their attempts begin: a claim alone is no
attempt. Small ones cannot exhaust the memory, and their kills before the final dot do not count.
After it, a death leaves the outcome of a delivery unknown, and it is repeated a few times only (see
`postrail.outgoing.queue`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from postrail.clock import Clock
from postrail.database import Connection
from postrail.in_flight.mark import Deaths, Mark, forget
from postrail.outgoing.results import AttemptResult
from postrail.settings import Settings
from services.sender.attempts import Attempt, Attempts
from services.sender.channels import Channels
from services.sender.claims import claim_due

SERVICE = "sender"
DIED = (
    "the sender died {} times while sending this message. Look for the reason in its log and its"
    " memory limit"
)

# A smaller message is not marked: the marks would cost a statement for each few messages.
LARGE_BYTES = 1024 * 1024


class Starts:
    """Claims deliveries and starts their attempts; within the block its process has a mark."""

    def __init__(
        self, settings: Settings, channels: Channels, attempts: Attempts, clock: Clock
    ) -> None:
        self._settings = settings.sender
        self._channels = channels
        self._attempts = attempts
        self._clock = clock
        self.mark = Mark(settings.database, SERVICE)
        # Claimed, and not begun: until they are marked, or no other attempt is in flight.
        self._waiting: list[Attempt] = []
        # The ids of messages in the mark.
        self._marked: set[str] = set()
        # The deaths of messages that are claimed.
        self._deaths: dict[str, Deaths] = {}

    async def claim(
        self,
        connection: Connection,
        ended: Sequence[AttemptResult],
        now: datetime,
        requested: float,
    ) -> list[Attempt]:
        """Claims due deliveries, unless one waits to be attempted alone.

        Forgets the deaths of messages whose attempts have ended. `requested`: see `claim_due`.
        """
        known = sorted({one.claimed.outgoing_id for one in ended} & self._deaths.keys())
        if known:
            await forget(connection, SERVICE, known)
        for outgoing_id in known:
            del self._deaths[outgoing_id]
        if self._waiting:
            return []
        return await claim_due(connection, self._channels, self._settings, now, requested=requested)

    async def start(self, attempts: Sequence[Attempt], tasks: asyncio.TaskGroup) -> None:
        """Begins the attempts that may begin now, after marking the large ones as in flight.

        The others wait for the next call, as all do when this raises TransientError.
        """
        self._waiting += attempts
        self._marked &= self._attempts.outgoing_ids
        if not self._marked and not any(map(_is_large, self._waiting)):
            # Does nothing if nothing was marked.
            await self.mark.release()
        else:
            self._deaths |= await self._mark(self._waiting)
            self._give_up()
        chosen = self._chosen()
        if len(chosen) < len(self._waiting):
            await self._mark(chosen)
        self._waiting = [one for one in self._waiting if one not in chosen]
        self._attempts.start(chosen, tasks)

    async def _mark(self, begin: Sequence[Attempt]) -> dict[str, Deaths]:
        large = {one.claimed.outgoing_id for one in begin if _is_large(one)}
        self._marked = large | (self._marked & self._attempts.outgoing_ids)
        return await self.mark.take(sorted(self._marked))

    def _chosen(self) -> list[Attempt]:
        """Returns the attempts to begin now: others first, then the suspects one by one."""
        others = [one for one in self._waiting if one.claimed.outgoing_id not in self._deaths]
        if others or self._attempts.in_flight:
            return others
        return self._waiting[:1]

    def _give_up(self) -> None:
        """Lets the messages fail that too many senders died of."""
        for one in list(self._waiting):
            deaths = self._deaths.get(one.claimed.outgoing_id)
            if deaths and deaths.too_many:
                self._waiting.remove(one)
                reason = DIED.format(deaths.alone)
                self._attempts.postpone(one.claimed, reason, "failed", self._clock.now())


def _is_large(attempt: Attempt) -> bool:
    """Tells whether a message may be large enough to be the cause of a death."""
    claimed = attempt.claimed
    if claimed.forwards is not None:
        return True
    size = len(claimed.whole_message or b"") + len(claimed.text or "")
    return claimed.message_blob is not None or size > LARGE_BYTES
