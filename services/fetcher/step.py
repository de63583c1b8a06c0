"""The fetcher's story: what is new in a mailbox becomes records, then rows, then counts as seen.

The order is the promise. A mail counts as read only when Kafka has acknowledged it; its row and
how far the mailbox was read are one transaction; marking as seen comes last. Whatever is cut off
in between is done again with the same mail_id, which changes nothing for the stages behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from postrail.clock import Clock
from postrail.mailbox import ListedMail, Mailbox, MailUnreadable
from postrail.mails.incoming import FetchedRow
from postrail.mails.sync_state import SyncState, UnreadableRow
from postrail.observe.log import log
from postrail.settings import FetcherSettings
from services.fetcher.batches import batches
from services.fetcher.identity import mail_id_of, source_of
from services.fetcher.publish import Publisher
from services.fetcher.reading import Suspects, Threads, Unreadable, list_after, read_batch
from services.fetcher.store import Store

logger = log("fetcher")


class Counts(Protocol):
    """The part of the process's progress that is needed here."""

    def count(
        self,
        mailbox: str,
        outcome: str,
        *,
        age_seconds: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Counts one mail by what became of it."""

    def contact(self, mailbox: str) -> None:
        """Notes that the mailbox was looked at just now."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What all mailboxes of a process share."""

    settings: FetcherSettings
    store: Store
    publisher: Publisher
    progress: Counts
    threads: Threads
    # Batches in hand, of all mailboxes together: what bounds memory.
    hands: asyncio.Semaphore
    clock: Clock


class Fetch:
    """Fetches from one open mailbox; `state` says how far it has come."""

    def __init__(
        self, parts: Parts, mailbox: Mailbox, state: SyncState, suspects: Suspects
    ) -> None:
        self._parts = parts
        self._mailbox = mailbox
        self._suspects = suspects
        self._seen_saved = state.seen_uid
        self.state = state

    async def new_mails(self) -> None:
        """Fetches until the mailbox lists nothing new."""
        settings = self._parts.settings
        while listed := await self._list():
            for batch in batches(
                listed,
                max_mails=settings.batch_max_mails,
                max_bytes=settings.batch_max_bytes,
                alone=self._suspects.losses,
            ):
                async with self._parts.hands:
                    await self._take(batch)
            self._suspects.in_listing = False

    async def _list(self) -> Sequence[ListedMail]:
        return await list_after(
            self._mailbox, self._parts.threads, self.state.last_uid, self._suspects
        )

    async def _take(self, batch: Sequence[ListedMail]) -> None:
        started = self._parts.clock.now()
        mails, unreadable = await read_batch(
            self._mailbox, self._parts.threads, batch, self._suspects
        )
        rows = await self._parts.publisher.publish(self.state, mails)
        await self._record(replace(self.state, last_uid=batch[-1].uid), rows, unreadable)
        self._suspects.forget([mail.uid for mail in batch])
        await self._mark_seen([mail.uid for mail in mails])
        self.state = replace(self.state, seen_uid=self.state.last_uid)
        self._tell(rows, (self._parts.clock.now() - started).total_seconds())

    async def _record(
        self, state: SyncState, rows: Sequence[FetchedRow], unreadable: Sequence[Unreadable]
    ) -> None:
        failed = [self._unreadable_row(mail) for mail in unreadable]
        await self._parts.store.record(state, rows, failed)
        self.state, self._seen_saved = state, state.seen_uid
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
        uid = unreadable.mail.uid
        return UnreadableRow(
            mail_id=mail_id_of(self.state, uid),
            mailbox=self.state.mailbox,
            source=source_of(self.state, uid),
            size=unreadable.mail.size or 0,
            reason=f"could not be fetched: {unreadable.reason}",
            tried_at=self._parts.clock.now(),
        )

    async def mark_what_was_left(self) -> None:
        """Marks the mails that a predecessor recorded and had no time to mark.

        Only those above `seen_uid`, so the last batch: an older mail that is unseen was marked
        unread by a person, who is to keep that.
        """
        first, last = self.state.seen_uid + 1, self.state.last_uid
        if first > last:
            return
        unseen = await self._parts.threads.run(self._mailbox.unseen_between, first, last)
        ids = {uid: mail_id_of(self.state, uid) for uid in unseen}
        recorded = await self._parts.store.acknowledged(list(ids.values()))
        await self._mark_seen([uid for uid, mail_id in ids.items() if mail_id in recorded])
        self.state = replace(self.state, seen_uid=last)
        await self.save_seen()

    async def save_seen(self) -> None:
        """Saves how far mails are marked; each batch does so for the one before it."""
        if self._seen_saved < self.state.seen_uid:
            await self._parts.store.record(self.state, [], [])
            self._seen_saved = self.state.seen_uid

    async def _mark_seen(self, uids: Sequence[int]) -> None:
        if not uids:
            return
        try:
            await self._parts.threads.run(self._mailbox.mark_seen, uids)
        except MailUnreadable as error:
            # The mails are safe; the flag is only a courtesy to people who look into the folder.
            logger.warning("not marked as seen", mailbox=self.state.mailbox, reason=str(error))

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
