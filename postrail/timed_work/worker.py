"""Does timed work: what a service has set a timer for, in one transaction with the timer's row.

A process that is killed leaves the timer to the next one. Each service says which kinds it works.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.configuration.load import CachedSnapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.database.faults import DatabaseUnavailable
from postrail.errors import FatalError, TransientError
from postrail.notifications.entries import queued_entries
from postrail.observe.log import log
from postrail.process import Process
from postrail.records import OutgoingQueued
from postrail.retry import backoff_seconds
from postrail.settings import NotificationSettings
from postrail.stream import outbox
from postrail.stream.producer import Entry
from postrail.tasks import set_within
from postrail.timers import queue as timers
from postrail.timers.queue import Timer, TimerKind

logger = log(__name__)

POLL_SECONDS = 1.0
# The pauses of a timer whose work fails: it is repeated until it succeeds.
RETRY_BASE_SECONDS = 5.0
RETRY_MAX_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """What the work of a timer is given; `connection` is the transaction that holds its row."""

    connection: Connection
    timer: Timer
    snapshot: ConfigurationSnapshot
    # Signs the Message-IDs.
    message_id_key: bytes
    now: datetime
    # For acts that the work does, which are parts of the transaction.
    pool: Pool
    notifications: NotificationSettings
    # What the work publishes beside the records of its messages.
    entries: list[Entry] = field(default_factory=list)


# Returns the messages that it has stored.
Work = Callable[[Occasion], Awaitable[Sequence[OutgoingQueued]]]


class TimedWork:
    """Works the timers of these kinds that are due; one that fails waits, and keeps no other."""

    def __init__(
        self, process: Process, pool: Pool, message_id_key: bytes, work: Mapping[TimerKind, Work]
    ) -> None:
        self._process = process
        self._pool = pool
        self._key = message_id_key
        self._work = work
        self._snapshots = CachedSnapshot(process.clock)

    async def run(self) -> None:
        """Works until the process stops; waits for an unavailable database."""
        while not self._process.stop.is_set():
            try:
                await self.work()
            except TransientError as error:
                logger.warning("timed work waits", reason=str(error))
            await set_within(self._process.stop, POLL_SECONDS)

    async def work(self) -> int:
        """Works all timers that are due; returns how many there were."""
        worked, kinds = 0, list(self._work)
        while kinds:
            # In turn, so that very many of one kind delay no other.
            kinds = [
                one
                for one in kinds
                if not self._process.stop.is_set() and await self._work_one(one)
            ]
            worked += len(kinds)
        return worked

    async def _work_one(self, kind: TimerKind) -> bool:
        taken: list[Timer] = []
        try:
            added = await self._worked(kind, taken)
        except (DatabaseUnavailable, FatalError, MemoryError):
            raise
        # The fault of one timer must not stop the others, whatever it is.
        except Exception as error:
            if not taken:
                raise
            await self._postpone(taken[0], error)
        else:
            await outbox.flush(self._pool, self._process.producer, added)
        return bool(taken)

    async def _worked(self, kind: TimerKind, taken: list[Timer]) -> outbox.Added:
        """Works the timer that is due first, if one is, and adds it to `taken` before."""
        now = self._process.clock.now()
        async with transaction(self._pool) as connection:
            timer = await timers.take_due(connection, kind, now)
            if timer is None:
                return outbox.Added()
            taken.append(timer)
            snapshot = await self._snapshots.current(connection)
            occasion = Occasion(
                connection=connection,
                timer=timer,
                snapshot=snapshot,
                message_id_key=self._key,
                now=now,
                pool=self._pool,
                notifications=self._process.settings.notifications,
            )
            mails = await self._work[kind](occasion)
            entries = [*occasion.entries, *queued_entries(mails)]
            added = await outbox.add(connection, entries, now)
            await timers.remove(connection, timer)
        return added

    async def _postpone(self, timer: Timer, error: Exception) -> None:
        seconds = backoff_seconds(timer.failures + 1, RETRY_BASE_SECONDS, RETRY_MAX_SECONDS)
        until = self._process.clock.now() + timedelta(seconds=seconds)
        if isinstance(error, TransientError):
            logger.warning("a timer waits", kind=timer.kind, key=timer.key, reason=str(error))
        else:
            logger.error("a timer failed", kind=timer.kind, key=timer.key, exc_info=error)
        async with transaction(self._pool) as connection:
            await timers.postpone(connection, timer, until, str(error))
