"""Watches one mailbox: connects, polls, waits, polls again; after a fault it starts over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, FatalError, PipelineError, TransientError
from postrail.mailbox import Mailbox
from postrail.observe.log import log
from postrail.tasks import set_within
from services.fetcher.opener import MailboxOpener, begin_session
from services.fetcher.reading.batch_read import Limits, Suspects
from services.fetcher.reconcile import reconcile_when_due
from services.fetcher.recovery import Recovery, Wait
from services.fetcher.refetch.from_mailbox import refetch_due
from services.fetcher.resources import SharedResources
from services.fetcher.step import Fetch
from services.fetcher.threads import Threads

logger = log("fetcher")

# RFC 2177 asks to renew IDLE before 29 minutes have passed; routers forget a quiet connection
# after as little as 10 minutes.
IDLE_SECONDS = 9 * 60.0


class MailboxWatch:
    """Watches one mailbox until it is cancelled."""

    def __init__(
        self,
        account: MailAccount,
        resources: SharedResources,
        opener: MailboxOpener,
        wait: Wait = set_within,
    ) -> None:
        self.account = account
        self._resources = resources
        self._opener = opener
        self._wait = wait
        self._attention = asyncio.Event()
        self._recovery = Recovery(account.name, resources, self._attention, wait)
        self._suspects = Suspects()
        # The UIDVALIDITY and the generation of which the suspects are.
        self._numbering = (0, 0)

    def poll_now(self) -> None:
        """Asks for a poll at once, without waiting for the timer."""
        self._attention.set()

    async def run(self) -> None:
        """Fetches until it is cancelled; raises FatalError when Kafka did not acknowledge."""
        while True:
            try:
                await self._session()
            except (TransientError, ConfigurationError) as error:
                await self._recovery.recover(error)
            except FatalError:
                raise
            # An unforeseen answer of one server must not stop the other mailboxes.
            except Exception as error:
                logger.exception("mailbox failed", mailbox=self.account.name)
                await self._recovery.recover(PipelineError(f"{type(error).__name__}: {error}"))

    async def _session(self) -> None:
        """Opens the mailbox and polls it until the first fault."""
        mailbox = self._opener.mailbox_for(self.account)
        try:
            fetch = await self._open(mailbox)
            await fetch.finish_leftovers()
            already = await self._already_fetched()
            while True:
                self._attention.clear()
                await self._poll(fetch, already)
                already = 0
                if not await self._wait_for_messages(mailbox):
                    await fetch.save_finished()
                if mailbox.single_connection_polls:
                    await self._opener.open(mailbox, self._resources.threads)
        finally:
            self._resources.threads.release(mailbox)
            await self._resources.in_flight.rest()

    async def _open(self, mailbox: Mailbox) -> Fetch:
        uid_validity = await self._opener.open(mailbox, self._resources.threads)
        state = await begin_session(self._resources, mailbox, self.account, uid_validity)
        if (uid_validity, state.generation) != self._numbering:
            self._numbering, self._suspects = (uid_validity, state.generation), Suspects()
        logger.info(
            "mailbox open",
            mailbox=self.account.name,
            folder=self.account.folder,
            uid_validity=uid_validity,
            generation=state.generation,
            last_uid=state.last_uid,
        )
        return Fetch(self._resources, mailbox, state, self._suspects, Limits.of(self.account))

    async def _already_fetched(self) -> int:
        """Counts what any process has fetched already of the messages that this poll may fetch."""
        if not self.account.max_mails_per_poll:
            return 0
        since = self._resources.clock.now() - timedelta(seconds=self.account.poll_seconds)
        return await self._resources.store.fetched_since(self.account.name, since)

    async def _poll(self, fetch: Fetch, already: int) -> None:
        began = self._resources.clock.now()
        left = await fetch.take_new(already)
        # In the same session: a server may not allow another one soon (POP3's LOGIN-DELAY).
        await reconcile_when_due(fetch, self.account, self._resources, self._opener, left)
        await refetch_due(fetch, self.account, self._resources, self._opener, left)
        await fetch.rest()
        await self._resources.in_flight.rest()
        await self._recovery.reached(began if left > 0 else None)

    async def _wait_for_messages(self, mailbox: Mailbox) -> bool:
        """Waits until the next poll; returns False when only the poll timer has run out."""
        # With IDLE each new message would start a poll, and so escape the limit of a poll.
        idles = self.account.idle and not self.account.max_mails_per_poll
        if idles and mailbox.can_idle:
            return await wait_idling(
                mailbox, self._resources.threads, self._attention, self.account.poll_seconds
            )
        return await self._wait(self._attention, self.account.poll_seconds)


async def wait_idling(
    mailbox: Mailbox, threads: Threads, attention: asyncio.Event, seconds: float
) -> bool:
    """Waits with IDLE, without a thread; sets `attention` when the server sends anything.

    Returns False when only the time has passed, at most what an IDLE may last.
    """
    if not await threads.run(mailbox.start_idle):
        return True
    loop, socket = asyncio.get_running_loop(), mailbox.fileno()

    def readable() -> None:
        loop.remove_reader(socket)
        attention.set()

    loop.add_reader(socket, readable)
    try:
        woken = await set_within(attention, min(seconds, IDLE_SECONDS))
    finally:
        loop.remove_reader(socket)
    await threads.run(mailbox.stop_idle)
    return woken
