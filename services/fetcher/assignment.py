"""Watches the mailboxes assigned to this process: those whose partitions its consumer has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import TransientError
from postrail.observe.log import log
from postrail.records import MailboxCheckRequested
from postrail.stream.producer import partition_of
from postrail.stream.received import Received
from postrail.tasks import end_tasks
from services.fetcher.store import Store
from services.fetcher.watch import MailboxWatch

logger = log("fetcher")

# The interval at which the watches follow the assignment.
ADJUST_SECONDS = 0.2


class MailboxAssignment:
    """Starts and stops watches as accounts change and partitions move."""

    def __init__(
        self,
        *,
        store: Store,
        assigned: Callable[[], frozenset[int]],
        partitions: int,
        reload_seconds: float,
        watch_for: Callable[[MailAccount], MailboxWatch],
    ) -> None:
        self._store = store
        self._assigned = assigned
        self._partitions = partitions
        self._reload_seconds = reload_seconds
        self._watch_for = watch_for
        self._accounts: list[MailAccount] = []
        self._reload_now = False
        self._accounts_read = False
        self._watches: dict[str, MailboxWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that this process watches now."""
        return sorted(self._watches)

    @property
    def enabled(self) -> frozenset[str] | None:
        """The names of all enabled accounts; None before they were read."""
        if not self._accounts_read:
            return None
        return frozenset(account.name for account in self._accounts if account.enabled)

    async def pass_on_requests(self, received: Sequence[Received[MailboxCheckRequested]]) -> None:
        """Passes requests for a poll on to the watches.

        For a mailbox without a watch the accounts are read again: its account may be new or enabled
        again. A new watch begins with a poll.
        """
        for entry in received:
            if entry.record.mailbox in self._watches:
                self.wake(entry.record.mailbox)
            else:
                self._reload_now = True

    def wake(self, mailbox: str) -> None:
        """Polls the mailbox at once, if this process watches it."""
        if mailbox in self._watches:
            self._watches[mailbox].poll_now()

    async def run(self, stop: asyncio.Event) -> None:
        """Starts and ends watches until `stop` is set, then ends all.

        Raises what ended a watch: FatalError.
        """
        loop = asyncio.get_running_loop()
        next_reload = loop.time()
        try:
            while not stop.is_set():
                if self._reload_now or loop.time() >= next_reload:
                    self._reload_now = False
                    await self._reload()
                    next_reload = loop.time() + self._reload_seconds
                await self._adjust()
                await self._pause()
        finally:
            await self._end(list(self._watches))

    async def _reload(self) -> None:
        try:
            self._accounts = await self._store.accounts()
            self._accounts_read = True
        except TransientError as error:
            logger.warning("accounts not read, going on with those known", reason=str(error))

    async def _adjust(self) -> None:
        wanted = {account.name: account for account in self._accounts if self._is_ours(account)}
        changed = [
            name for name, watch in self._watches.items() if wanted.get(name) != watch.account
        ]
        await self._end(changed)
        for name in wanted.keys() - self._watches.keys():
            self._start(wanted[name])

    def _is_ours(self, account: MailAccount) -> bool:
        return account.enabled and partition_of(account.name, self._partitions) in self._assigned()

    def _start(self, account: MailAccount) -> None:
        logger.info("mailbox is ours", mailbox=account.name)
        watch = self._watch_for(account)
        self._watches[account.name] = watch
        self._tasks[account.name] = asyncio.create_task(watch.run(), name=account.name)

    async def _end(self, names: Sequence[str]) -> None:
        tasks = [self._tasks.pop(name) for name in names]
        for name in names:
            logger.info("mailbox is no longer ours", mailbox=name)
            del self._watches[name]
        await end_tasks(tasks)

    async def _pause(self) -> None:
        """Waits until the next adjustment; raises what ended a watch."""
        if not self._tasks:
            await asyncio.sleep(ADJUST_SECONDS)
            return
        done, _ = await asyncio.wait(
            self._tasks.values(), timeout=ADJUST_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()
