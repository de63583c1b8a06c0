"""The fetcher's story: what is new in a mailbox becomes records, then rows, then counts as seen.

The order is the promise. A mail counts as read only when Kafka has acknowledged it; its row and
how far the mailbox was read are one transaction; marking, moving or removing comes last. Whatever
is cut off in between is done again with the same mail_id, which changes nothing for the stages
behind.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from postrail.clock import Clock
from postrail.incoming.fetched import FetchedRow, UnreadableRow
from postrail.mailbox import ListedMail, Mailbox, MailUnreadable, ReadMail
from postrail.mailbox_state.sync_state import SyncState
from postrail.observe.log import log
from postrail.settings import FetcherSettings
from postrail.stream.progress import CountsContacts
from services.fetcher.batch_read import (
    OneRead,
    Suspects,
    Threads,
    Unreadable,
    list_after,
    read_batch,
)
from services.fetcher.batches import batches, is_large
from services.fetcher.identity import mail_id_of, source_of
from services.fetcher.publish import Publisher
from services.fetcher.store import Store

logger = log("fetcher")


@dataclass(frozen=True, kw_only=True)
class SharedResources:
    """What all mailboxes of a process share."""

    settings: FetcherSettings
    store: Store
    publisher: Publisher
    progress: CountsContacts
    threads: Threads
    # Batches in hand, of all mailboxes together: what bounds memory.
    batch_slots: asyncio.Semaphore
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the mail account allows; 0: no limit."""

    max_mails_per_poll: int = 0
    max_message_bytes: int = 0

    def exceeded_by(self, mail: ListedMail) -> bool:
        """Whether the mail is known to be too large."""
        return 0 < self.max_message_bytes < (mail.size or 0)

    def may_be_exceeded_by(self, mail: ListedMail) -> bool:
        """Whether the mail is too large, or may be: the server does not tell its size."""
        return self.exceeded_by(mail) or (self.max_message_bytes > 0 and mail.size is None)


class Fetch:
    """Fetches from one open mailbox; `state` says how far it has come."""

    def __init__(
        self,
        parts: SharedResources,
        mailbox: Mailbox,
        state: SyncState,
        suspects: Suspects,
        limits: Limits | None = None,
    ) -> None:
        self._parts = parts
        self._mailbox = mailbox
        self._suspects = suspects
        self._limits = limits or Limits()
        self._finished_saved = state.finished_uid
        # Something was asked of the mailbox that it does at its next rest.
        self._unsettled = False
        self.state = state

    async def take_new(self, already: int = 0) -> int:
        """Fetches until the mailbox lists nothing new, or the poll has had its number of mails.

        `already` are those that a predecessor has fetched within the time of this poll. Returns
        how many more the poll may fetch.
        """
        left = (self._limits.max_mails_per_poll or sys.maxsize) - already
        while left > 0 and (listed := await self.listed_after(self.state.last_uid)):
            await self.take(listed[:left])
            left -= len(listed[:left])
            self._suspects.in_listing = False
        return left

    async def take(self, listed: Sequence[ListedMail]) -> None:
        """Reads listed mails, makes records and rows of them, and finishes with them."""
        for batch in self._batches(listed):
            async with self._parts.batch_slots:
                await self._take(batch)

    async def held(self) -> list[ListedMail]:
        """All mails of the mailbox that were there when it was read last."""
        return await self._parts.threads.run(self._mailbox.held, self.state.last_uid)

    async def listed_after(self, uid: int) -> list[ListedMail]:
        """The first mails above `uid`, with their sizes where the server can tell them."""
        return await list_after(self._mailbox, self._parts.threads, uid, self._suspects)

    def mail_id(self, mail: ListedMail) -> str:
        """What names the mail before and after it was read."""
        return mail_id_of(self.state, mail.uid, mail.key)

    def _batches(self, listed: Sequence[ListedMail]) -> Iterator[list[ListedMail]]:
        too_large = {mail.uid for mail in listed if self._limits.exceeded_by(mail)}
        return batches(
            listed,
            max_mails=self._parts.settings.batch_max_mails,
            max_bytes=self._parts.settings.batch_max_bytes,
            alone=too_large | self._suspects.losses.keys(),
        )

    async def _take(self, batch: Sequence[ListedMail]) -> None:
        started = self._parts.clock.now()
        # Such a mail has a batch of its own.
        if self._unsettled and self._limits.may_be_exceeded_by(batch[0]):
            await self.rest()
        mails, unreadable = await read_batch(
            self._mailbox,
            self._parts.threads,
            batch,
            self._suspects,
            alone=self._single_read(batch[0]),
        )
        too_large = any(mail.full_size is not None for mail in mails)
        try:
            rows = await self._parts.publisher.publish(self.state, mails)
        finally:
            for mail in mails:
                mail.close()
        state = replace(self.state, last_uid=max(self.state.last_uid, batch[-1].uid))
        if too_large:
            # Only its header is here, so it stays as it is: this batch is finished already.
            state = replace(state, finished_uid=state.last_uid)
        keys = [mail.key for mail in mails] + [each.mail.key for each in unreadable]
        await self._record(state, rows, unreadable, [key for key in keys if key])
        self._suspects.forget([mail.uid for mail in batch])
        await self._finish([] if too_large else [mail.uid for mail in mails])
        self._tell(rows, (self._parts.clock.now() - started).total_seconds())

    def _single_read(self, mail: ListedMail) -> OneRead | None:
        """How a mail is read that is not read together with others."""
        if self._limits.exceeded_by(mail):
            return self._mailbox.read_header
        if is_large(mail, self._parts.settings.batch_max_bytes):
            return self._read_large
        return None

    def _read_large(self, listed: ListedMail) -> ReadMail | None:
        """To disk; one that turns out to be too large, which no listing told, by its header."""
        mail = self._mailbox.read_to_spool(listed)
        if mail is None or not self._limits.exceeded_by(replace(listed, size=mail.size)):
            return mail
        mail.close()
        return self._mailbox.read_header(replace(listed, size=mail.size))

    async def _record(
        self,
        state: SyncState,
        rows: Sequence[FetchedRow],
        unreadable: Sequence[Unreadable],
        keys: Sequence[str],
    ) -> None:
        failed = [self._unreadable_row(mail) for mail in unreadable]
        await self._parts.store.record(state, rows, failed, keys)
        self.state, self._finished_saved = state, state.finished_uid
        for row in failed:
            self._parts.progress.count(row.mailbox, "failed")
            logger.error(
                "mail cannot be read",
                mailbox=row.mailbox,
                mail_id=row.mail_id,
                source=row.source,
                reason=row.reason,
            )

    def _unreadable_row(self, unreadable: Unreadable) -> UnreadableRow:
        mail = unreadable.mail
        return UnreadableRow(
            mail_id=self.mail_id(mail),
            mailbox=self.state.mailbox,
            source=source_of(self.state, mail.uid, mail.key),
            size=mail.size or 0,
            reason=f"could not be fetched: {unreadable.reason}",
            tried_at=self._parts.clock.now(),
        )

    async def finish_what_was_left(self) -> None:
        """Marks, moves or removes the mails that a predecessor recorded and had no time for.

        Only those above `finished_uid`, so the last batch: an older mail that is unseen was marked
        unread by a person, who is to keep that.
        """
        first, last = self.state.finished_uid + 1, self.state.last_uid
        if first > last:
            return
        left = await self._parts.threads.run(self._mailbox.unfinished_between, first, last)
        ids = {mail.uid: self.mail_id(mail) for mail in left}
        recorded = await self._parts.store.acknowledged(list(ids.values()))
        await self._finish([uid for uid, mail_id in ids.items() if mail_id in recorded])
        if self._unsettled:
            await self.rest()
        await self.save_finished()

    async def save_finished(self) -> None:
        """Saves how far mails are seen to; each batch does so for the one before it."""
        if self._finished_saved < self.state.finished_uid:
            await self._parts.store.record(self.state, [], [])
            self._finished_saved = self.state.finished_uid

    async def _finish(self, uids: Sequence[int]) -> None:
        try:
            if uids and not await self._parts.threads.run(self._mailbox.finish, uids):
                self._unsettled = True
        except MailUnreadable as error:
            # The mails are safe; what becomes of them in the mailbox must not stop the next ones.
            logger.warning(
                "mails stay in the mailbox as they are",
                mailbox=self.state.mailbox,
                reason=str(error),
                uids=list(uids),
            )
        if not self._unsettled:
            self.state = replace(self.state, finished_uid=self.state.last_uid)

    async def rest(self) -> None:
        """Lets go of the mailbox until the next look; what was asked of it has taken effect."""
        await self._parts.threads.run(self._mailbox.rest)
        self._unsettled = False
        self.state = replace(self.state, finished_uid=self.state.last_uid)

    def _tell(self, rows: Sequence[FetchedRow], seconds: float) -> None:
        now = self._parts.clock.now()
        for row in rows:
            age = (now - row.received_at).total_seconds() if row.received_at else None
            self._parts.progress.count(row.mailbox, "fetched", age_seconds=age, seconds=seconds)
            logger.info(
                "mail fetched",
                mailbox=row.mailbox,
                mail_id=row.mail_id,
                source=row.source,
                size=row.size,
                partition=row.raw_partition,
                offset=row.raw_offset,
            )
