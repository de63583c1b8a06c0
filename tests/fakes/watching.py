"""A MailboxWatch on a mailbox in memory, with waits that a test ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

from postrail.mailbox_state.reconciliation import Reconciliation
from services.fetcher.opener import MailboxOpener
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import Neighbours, account_named
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


class Waits:
    """Replaces the waiting: keeps the length of each wait, and ends it when the test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.instant = 0
        self.resume = asyncio.Event()

    async def __call__(self, event: asyncio.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        if len(self.seconds) <= self.instant:
            await asyncio.sleep(0)
            return event.is_set()
        waiting = [asyncio.ensure_future(waited.wait()) for waited in (event, self.resume)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for future in waiting:
            future.cancel()
        self.resume.clear()
        return event.is_set()


def opener_of(server: MemoryServer, mailbox: type[MemoryMailbox] = MemoryMailbox) -> MailboxOpener:
    """Opens mailboxes on this server, one at a time."""
    return MailboxOpener(mailbox_for=lambda _: mailbox(server), slots=asyncio.Semaphore(1))


@contextlib.asynccontextmanager
async def watched(
    server: MemoryServer,
    neighbours: Neighbours,
    waits: Waits,
    mailbox: type[MemoryMailbox] = MemoryMailbox,
    **account: Any,
) -> AsyncIterator[MailboxWatch]:
    """Runs a watch during the block."""
    opener = opener_of(server, mailbox)
    watch = MailboxWatch(account_named(**account), neighbours.resources, opener, waits)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.wait([task])


def comparison(since: date | None = None) -> Reconciliation:
    """Makes a requested comparison of the mailbox `support`."""
    return Reconciliation(
        reconciliation_id=1,
        mailbox="support",
        since=since,
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        requested_by="ada",
        finished_at=None,
        held=0,
        unaccounted=0,
        fetched=0,
    )
