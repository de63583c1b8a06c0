"""Fetches new messages: reads them, publishes them to Kafka, records them, then finishes them.

The order is the promise. A message counts as read only when Kafka has acknowledged it; its row and
how far the mailbox was read are saved in one transaction; marking, moving or removing comes last.
What is interrupted in between is repeated with the same mail_id, which changes nothing downstream.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from postrail.incoming.fetched import FetchedRow
from postrail.mailbox import ListedMail, Mailbox, ReadMail
from postrail.mailbox_state.sync_state import SyncState
from services.fetcher.reading.batch_read import BatchReader, Limits, Suspects, Unreadable
from services.fetcher.reading.finish import Finisher
from services.fetcher.reading.identity import mail_id_of
from services.fetcher.reading.publish import named
from services.fetcher.reading.report import report_fetched, report_unreadable, unreadable_rows
from services.fetcher.resources import SharedResources


class Fetch:
    """Fetches from one open mailbox; `state` says how far it has come."""

    def __init__(
        self,
        resources: SharedResources,
        mailbox: Mailbox,
        state: SyncState,
        suspects: Suspects,
        limits: Limits | None = None,
    ) -> None:
        self.state = state
        self.suspects = suspects
        self._resources = resources
        self._limits = limits or Limits()
        self.reader = BatchReader(
            mailbox, resources.threads, resources.settings, suspects, self._limits
        )
        self.finisher = Finisher(mailbox, resources.threads, state.mailbox)
        self._finished_saved = state.finished_uid

    async def take_new(self, already: int = 0) -> int:
        """Fetches until the mailbox lists nothing new, or the limit of the poll is reached.

        `already` were fetched within the time of this poll. Returns how many more it may fetch.
        """
        left = (self._limits.max_mails_per_poll or sys.maxsize) - already
        while left > 0 and (listed := await self.listed_after(self.state.last_uid)):
            await self.take(listed[:left])
            left -= len(listed[:left])
            self.suspects.in_listing = False
        return left

    async def take(self, listed: Sequence[ListedMail]) -> None:
        """Reads, publishes, records and finishes listed messages."""
        for batch in self.reader.batches(listed):
            await self._resources.in_flight.work(self, batch, self._take)

    async def held(self) -> list[ListedMail]:
        """Returns all messages that the mailbox holds up to where it was read."""
        return await self.reader.held(self.state.last_uid)

    async def listed_after(self, uid: int) -> list[ListedMail]:
        """Returns the first messages above `uid`, with sizes where the server can tell them."""
        return await self.reader.list_after(uid)

    def mail_id(self, message: ListedMail) -> str:
        """Returns the message's id, which is the same before and after it was read."""
        return mail_id_of(self.state, message.uid, message.key)

    async def _take(self, batch: Sequence[ListedMail]) -> None:
        started = self._resources.clock.now()
        # A message that may be too large has a batch of its own.
        if self.finisher.pending and self._limits.may_be_exceeded_by(batch[0]):
            await self.rest()
        messages, unreadable = await self.reader.read(batch)
        rows = await self._publish(messages)
        recorded = await self._record(batch, messages, rows, unreadable)
        self.suspects.forget([message.uid for message in batch])
        # Of a message that is too large only the header was read, so it stays as it is.
        mails = [each for each in zip(messages, rows, strict=True) if each[1].mail_id in recorded]
        await self._finish([message.uid for message, _ in mails if message.full_size is None])
        now = self._resources.clock.now()
        report_fetched(self._resources.progress, [row for _, row in mails], started, now)

    async def _publish(self, messages: Sequence[ReadMail]) -> list[FetchedRow]:
        now = self._resources.clock.now()
        mails = [named(self.state, message, now) for message in messages]
        try:
            return await self._resources.publisher.publish(mails)
        finally:
            for message in messages:
                message.close()

    async def _record(
        self,
        batch: Sequence[ListedMail],
        messages: Sequence[ReadMail],
        rows: Sequence[FetchedRow],
        unreadable: Sequence[Unreadable],
    ) -> set[str]:
        state = replace(self.state, last_uid=max(self.state.last_uid, batch[-1].uid))
        if any(message.full_size is not None for message in messages):
            # There is nothing to finish, so that a successor must not do it either.
            state = replace(state, finished_uid=state.last_uid)
        now = self._resources.clock.now()
        failed = unreadable_rows(state, unreadable, now, self._resources.settings)
        keys = [message.key for message in messages] + [each.message.key for each in unreadable]
        recorded = await self._resources.store.record(state, rows, failed, [*filter(None, keys)])
        self.state, self._finished_saved = state, state.finished_uid
        report_unreadable(self._resources.progress, failed)
        return recorded

    async def finish_leftovers(self) -> None:
        """Finishes the messages that a predecessor recorded but did not get to finish.

        Only those above `finished_uid`, which is the last batch: an older unseen message was marked
        as unread by a person, and stays so.
        """
        first, last = self.state.finished_uid + 1, self.state.last_uid
        if first > last:
            return
        left = await self.finisher.unfinished_between(first, last)
        ids = {message.uid: self.mail_id(message) for message in left}
        recorded = await self._resources.store.acknowledged(list(ids.values()))
        await self._finish([uid for uid, mail_id in ids.items() if mail_id in recorded])
        if self.finisher.pending:
            await self.rest()
        await self.save_finished()

    async def save_finished(self) -> None:
        """Saves how far messages are finished; each batch does so for the one before it."""
        if self._finished_saved < self.state.finished_uid:
            await self._resources.store.record(self.state, [], [])
            self._finished_saved = self.state.finished_uid

    async def rest(self) -> None:
        """Releases the mailbox until the next poll; all messages read so far are then finished."""
        await self.finisher.rest()
        self.state = replace(self.state, finished_uid=self.state.last_uid)

    async def _finish(self, uids: Sequence[int]) -> None:
        await self.finisher.finish(uids)
        if not self.finisher.pending:
            self.state = replace(self.state, finished_uid=self.state.last_uid)
