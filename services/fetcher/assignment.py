"""Which mailboxes this process watches: the accounts whose partition the consumer group gave us."""

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

# How soon a change of the assignment is followed.
LOOK_SECONDS = 0.2


class Shares:
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
        self._watches: dict[str, MailboxWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are watched here now."""
        return sorted(self._watches)

    async def look_now(self, received: Sequence[Received[MailboxCheckRequested]]) -> None:
        """Passes requests for a look on to the watches; those of others are no matter of ours."""
        for entry in received:
            self.wake(entry.record.mailbox)

    def wake(self, mailbox: str) -> None:
        """Something has changed for the mailbox: it is looked at now, if it is watched here."""
        if mailbox in self._watches:
            self._watches[mailbox].look_now()

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the watches as they should be until `stop` is set, then ends them.

        Raises what ends a watch: FatalError.
        """
        loop = asyncio.get_running_loop()
        next_reload = loop.time()
        try:
            while not stop.is_set():
                if loop.time() >= next_reload:
                    await self._reload()
                    next_reload = loop.time() + self._reload_seconds
                await self._adjust()
                await self._pause()
        finally:
            await self._end(list(self._watches))

    async def _reload(self) -> None:
        try:
            self._accounts = await self._store.accounts()
        except TransientError as error:
            logger.warning("accounts not read, going on with those known", reason=str(error))

    async def _adjust(self) -> None:
        wanted = {account.name: account for account in self._accounts if self._is_ours(account)}
        changed = [
            name for name, watch in self._watches.items() if wanted.get(name) != watch.account
        ]
        await self._end(changed)
        for name in wanted.keys() - self._watches.keys():
            self._begin(wanted[name])

    def _is_ours(self, account: MailAccount) -> bool:
        return account.enabled and partition_of(account.name, self._partitions) in self._assigned()

    def _begin(self, account: MailAccount) -> None:
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
        """Waits a little; raises what a watch has ended with."""
        if not self._tasks:
            await asyncio.sleep(LOOK_SECONDS)
            return
        done, _ = await asyncio.wait(
            self._tasks.values(), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()
