"""Serves requests from what was stored, in the process that has the message's mailbox.

A message that only its mailbox has is left to the watch of the mailbox, which is woken once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from postrail.errors import FatalError, TransientError
from postrail.incoming.refetching import MailboxRequests, Refetch
from postrail.observe.log import log
from postrail.retry_loop import RetryLoop
from postrail.stream.producer import partition_of
from postrail.tasks import set_within
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.refetch.stored import Found, StoredMessages

logger = log("fetcher")

POLL_SECONDS = 2.0
PAUSE_MAX_SECONDS = 60.0


class Watches(Protocol):
    """The part of the assignment that is needed here."""

    @property
    def enabled(self) -> frozenset[str] | None:
        """The names of all enabled accounts; None before they were read."""

    def wake(self, mailbox: str) -> None:
        """Polls the mailbox at once, if this process watches it."""


class StoredRefetches:
    """Serves requests until the process stops."""

    def __init__(
        self,
        *,
        queue: RefetchQueue,
        stored: StoredMessages,
        assignment: Watches,
        assigned: Callable[[], frozenset[int]],
        partitions: int,
    ) -> None:
        self._queue = queue
        self._stored = stored
        self._assignment = assignment
        self._assigned = assigned
        self._partitions = partitions
        # When the newest request became due for which each mailbox was woken.
        self._woken: dict[str, datetime] = {}
        # Messages that were tried in vain, out of turn, since the last one could be published.
        self._probed: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; raises FatalError when Kafka did not acknowledge."""
        retry = RetryLoop(
            event="mails are not published again yet",
            part="refetch",
            # New messages are read meanwhile.
            health=None,
            pause=lambda seconds: set_within(stop, seconds),
            base_seconds=POLL_SECONDS,
            max_seconds=PAUSE_MAX_SECONDS,
        )
        while not stop.is_set():
            if not await retry.run(self.serve, stop):
                await set_within(stop, POLL_SECONDS)

    async def serve(self) -> bool:
        """Serves a batch; returns whether there was anything due."""
        ours = [each for each in await self._queue.mailboxes() if self._is_ours(each.mailbox)]
        enabled = self._assignment.enabled
        if not ours or enabled is None:
            return False
        await self._follow_accounts(ours, enabled)
        self._wake([each for each in ours if each.mailbox in enabled])
        return await self._serve([each.mailbox for each in ours])

    def _is_ours(self, mailbox: str) -> bool:
        return partition_of(mailbox, self._partitions) in self._assigned()

    async def _serve(self, mailboxes: Sequence[str]) -> bool:
        due = await self._queue.due(mailboxes, only_in_mailbox=False)
        try:
            await self._publish(due)
        except FatalError:
            raise
        # One message's fault must not stop the others of its batch, whatever the fault is.
        except Exception as error:  # noqa: BLE001  Each is published alone then.
            logger.warning("a batch failed: publishing its mails one by one", error=repr(error))
            await self._publish_each(due, mailboxes)
        self._probed.clear()
        return bool(due)

    async def _publish_each(self, due: Sequence[Refetch], mailboxes: Sequence[str]) -> None:
        """Publishes each alone; puts off those that fail while others do not.

        Raises TransientError when a part that all need is unavailable.
        """
        failed = [(request, error) for request in due if (error := await self._fault_of(request))]
        unavailable = [error for _, error in failed if isinstance(error, TransientError)]
        if unavailable and len(failed) == len(due) and not await self._probe(mailboxes, due):
            raise unavailable[0]
        for request, error in failed:
            await self._put_off(request, error)

    async def _put_off(self, request: Refetch, fault: Exception | None) -> None:
        if isinstance(fault, TransientError):
            # Once more: the part that was unavailable may have come back meanwhile.
            fault = await self._fault_of(request)
        if isinstance(fault, TransientError):
            await self._queue.defer(request, str(fault))
        elif fault is not None:
            logger.error(
                "a mail cannot be published again", mail_id=request.mail_id, exc_info=fault
            )
            await self._queue.put_off(request, f"{type(fault).__name__}: {fault}")

    async def _fault_of(self, request: Refetch) -> Exception | None:
        """Publishes one message alone; returns why it cannot be."""
        try:
            await self._publish([request])
        except FatalError:
            raise
        except Exception as error:  # noqa: BLE001  The caller decides about it.
            return error
        return None

    async def _probe(self, mailboxes: Sequence[str], failed: Sequence[Refetch]) -> bool:
        """Returns whether any request after the failed ones can be served: the fault is theirs.

        Each time another one is tried, so that several with faults do not stop the rest for ever.
        """
        tried = self._probed | {request.mail_id for request in failed}
        others = await self._queue.due(mailboxes, only_in_mailbox=False, most=1, but=tried)
        if not others:
            self._probed.clear()
            return False
        self._probed.add(others[0].mail_id)
        return await self._fault_of(others[0]) is None

    async def _publish(self, due: Sequence[Refetch]) -> None:
        async with self._stored.of(due) as stored:
            found = [each for each in stored if not _wants_the_whole(each)]
            await self._queue.publish([(each.request, each.content) for each in found])
        served = {each.request.mail_id for each in found}
        await self._queue.ask_mailbox([each for each in due if each.mail_id not in served])

    async def _follow_accounts(
        self, ours: Sequence[MailboxRequests], enabled: Collection[str]
    ) -> None:
        for each in ours:
            if each.held and each.mailbox in enabled:
                await self._queue.release(each.mailbox)
            if each.to_hold and each.mailbox not in enabled:
                await self._queue.hold(each.mailbox, _only_in(each.mailbox))

    def _wake(self, enabled: Sequence[MailboxRequests]) -> None:
        """Has mailboxes polled that have due requests; once each, so that their pauses hold."""
        for each in enabled:
            due_at = each.due_in_mailbox
            if due_at is not None and self._woken.get(each.mailbox) != due_at:
                self._woken[each.mailbox] = due_at
                self._assignment.wake(each.mailbox)


def _wants_the_whole(found: Found) -> bool:
    """Tells whether a retried message was too large, so that only its header is stored.

    The mailbox may deliver it whole by now.
    """
    return found.content.full_size is not None and found.request.state != "fetched"


def _only_in(mailbox: str) -> str:
    return (
        f"its bytes are only in the mailbox {mailbox}, whose mail account is not enabled;"
        f" it is asked for again when that changes: postrail accounts enable {mailbox}"
    )
