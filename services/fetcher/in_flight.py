"""Marks the batches that this fetcher reads; after a death their messages are read alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from postrail.in_flight.mark import Deaths
from postrail.mailbox import ListedMail, MailboxUnavailable
from services.fetcher.reading.batch_read import Suspects

T = TypeVar("T")

SERVICE = "fetcher"
# What is to run alone keeps all other mailboxes waiting while it waits for those that run.
IDLE_SECONDS = 60.0
# So much longer are the others read before it tries again.
BUSY_PAUSE_SECONDS = 300.0
DIED = (
    "the fetcher died {} times while it was read; look for the reason in its log and memory limit"
)


class Marks(Protocol):
    """The mark of this process (`postrail.in_flight.mark`); tests have one in memory."""

    async def take(self, work_ids: Sequence[str]) -> dict[str, Deaths]:
        """Commits the mark before the work; returns the deaths of those that have any."""

    async def release(self) -> None:
        """Clears the mark; best effort."""

    async def forget(self, work_id: str, *, keep: int) -> None:
        """Forgets the deaths of a message, but for `keep` of those alone."""


class Reads(Protocol):
    """What is known of the messages of one open mailbox."""

    suspects: Suspects

    def mail_id(self, message: ListedMail) -> str:
        """Returns the message's id."""


class InFlight:
    """The batches that are read and published now, over all mailboxes of the process."""

    def __init__(self, mark: Marks, slots: int) -> None:
        self._mark = mark
        # One slot per batch in flight: this bounds the memory.
        self._slots = asyncio.Semaphore(slots)
        self._turns = Turns()
        self._marking = asyncio.Lock()
        self._ids: set[str] = set()

    async def work(
        self,
        fetch: Reads,
        batch: Sequence[ListedMail],
        action: Callable[[Sequence[ListedMail]], Awaitable[T]],
    ) -> list[T]:
        """Runs the action on the batch, or on each of its messages alone after a death.

        Messages that too many processes died of are given up as unreadable before the action.
        """
        ids = [fetch.mail_id(message) for message in batch]
        async with self._slots:
            async with self._turns.shared():
                if not await self._begin(ids):
                    with self._until_ended(ids):
                        return [await action(batch)]
            return [await self._alone(fetch, message, action) for message in batch]

    async def rest(self) -> None:
        """Clears the mark when nothing is in flight; between batches it would cost a statement."""
        async with self._marking:
            if not self._ids:
                await self._mark.release()

    async def _begin(self, ids: Sequence[str]) -> dict[str, Deaths]:
        """Marks the messages; returns their deaths, without marking them when there are any."""
        async with self._marking:
            found = await self._mark.take(sorted({*self._ids, *ids}))
            deaths = {mail_id: found[mail_id] for mail_id in ids if mail_id in found}
            if not deaths:
                self._ids |= set(ids)
            return deaths

    async def _alone(
        self,
        fetch: Reads,
        message: ListedMail,
        action: Callable[[Sequence[ListedMail]], Awaitable[T]],
    ) -> T:
        mail_id = fetch.mail_id(message)
        async with self._turns.alone():
            with self._until_ended([mail_id]):
                deaths = await self._begin_alone(mail_id)
                given_up = deaths is not None and deaths.too_many
                if deaths and given_up:
                    fetch.suspects.give_up(message.uid, DIED.format(deaths.alone))
                result = await action([message])
            if deaths:
                # One more death when it is asked for again gives it up again.
                await self._mark.forget(mail_id, keep=deaths.alone - 1 if given_up else 0)
            return result

    async def _begin_alone(self, mail_id: str) -> Deaths | None:
        """Marks the message alone, also while other mailboxes rest; returns its deaths."""
        async with self._marking:
            self._ids.add(mail_id)
            return (await self._mark.take([mail_id])).get(mail_id)

    @contextlib.contextmanager
    def _until_ended(self, ids: Sequence[str]) -> Iterator[None]:
        try:
            yield
        finally:
            self._ids -= set(ids)


class Turns:
    """Lets batches run side by side, and single messages alone; those go first."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._one = asyncio.Lock()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._none_alone = asyncio.Event()
        self._none_alone.set()

    @contextlib.asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Runs the block beside others, once nothing runs alone."""
        while not self._none_alone.is_set():
            await self._none_alone.wait()
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Runs the block once nothing else runs, and keeps the others waiting meanwhile.

        Raises MailboxUnavailable when that takes too long, as a slow server may hold a batch for
        an hour; the others then go on.
        """
        async with self._one:
            self._none_alone.clear()
            try:
                await self._until_idle()
                yield
            finally:
                self._none_alone.set()

    async def _until_idle(self) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds) as limit:
                await self._idle.wait()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise MailboxUnavailable(
                "a message that may have ended the fetcher must be read alone, and others took"
                f" longer than {self._idle_seconds:g} seconds to be read",
                after_seconds=BUSY_PAUSE_SECONDS,
            ) from error
