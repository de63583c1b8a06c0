"""Reads batches from a mailbox; a mail that cannot be read stops neither its neighbours nor us."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from postrail.errors import PipelineError
from postrail.mailbox import ListedMail, Mailbox, MailboxUnavailable, MailUnreadable, ReadMail

T = TypeVar("T")
P = ParamSpec("P")

# Some servers (Dovecot by default) break off the connection instead of refusing one mail. It is the
# mail's fault when that has happened so often while it was read alone, each time after a new login.
LOSSES_OF_UNREADABLE = 3

# Each operation on a socket has its timeout; a server that sends a byte now and then would keep the
# thread from all other mailboxes for ever. The largest mail over the slowest line takes less.
LONGEST_CALL_SECONDS = 3600.0

# Reads one mail; None when it was removed meanwhile.
OneRead = Callable[[ListedMail], ReadMail | None]


class Threads:
    """Runs blocking calls in a bounded pool."""

    def __init__(self, pool: Executor, longest_seconds: float = LONGEST_CALL_SECONDS) -> None:
        self._pool = pool
        self._longest_seconds = longest_seconds

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the function returns; a cancelled caller leaves the thread to its work.

        Raises MailboxUnavailable when it takes too long; `release` then frees the thread.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))
        try:
            async with asyncio.timeout(self._longest_seconds) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise MailboxUnavailable(
                f"what was asked of the mailbox took longer than {self._longest_seconds:g} seconds"
            ) from error

    def release(self, mailbox: Mailbox) -> None:
        """Breaks off a mailbox's connection, whatever it is doing, and closes it in a thread."""
        mailbox.interrupt()
        self._pool.submit(mailbox.close)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A listed mail that cannot be read, and why."""

    mail: ListedMail
    reason: str


@dataclass
class Suspects:
    """Mails during whose reading a connection was lost: remembered from one login to the next."""

    losses: Counter[int] = field(default_factory=Counter)
    # How often the server said that it does not give a mail out: it may be busy with it.
    refusals: Counter[int] = field(default_factory=Counter)
    # The connection was lost while mails were listed: maybe by one whose size cannot be told.
    in_listing: bool = False

    def suspect(self, uids: Sequence[int]) -> None:
        """The connection was lost while these were read."""
        alone = len(uids) == 1
        for uid in uids:
            # A batch only makes suspects; guilt shows when a mail is read alone.
            self.losses[uid] += 1 if alone else 0

    def unreadable(self, uids: Sequence[int]) -> bool:
        """Whether this mail was on its own often enough when the connection was lost."""
        return len(uids) == 1 and self.losses[uids[0]] >= LOSSES_OF_UNREADABLE

    def refused_for_good(self, uid: int) -> bool:
        """Notes a refusal of this mail alone; whether it was the last one to be waited for."""
        self.refusals[uid] += 1
        return self.refusals[uid] >= LOSSES_OF_UNREADABLE

    def forget(self, uids: Sequence[int]) -> None:
        """These mails are done with."""
        for uid in uids:
            self.losses.pop(uid, None)
            self.refusals.pop(uid, None)


async def list_after(
    mailbox: Mailbox, threads: Threads, uid: int, suspects: Suspects
) -> list[ListedMail]:
    """The first mails above `uid`; without their sizes while asking for those is suspected."""
    try:
        return await threads.run(mailbox.list_after, uid, with_sizes=not suspects.in_listing)
    except MailboxUnavailable as error:
        # A server that asks for a pause has not stumbled over a mail.
        suspects.in_listing = suspects.in_listing or not error.after_seconds
        raise


async def read_batch(
    mailbox: Mailbox,
    threads: Threads,
    batch: Sequence[ListedMail],
    suspects: Suspects,
    *,
    alone: OneRead | None = None,
) -> tuple[list[ReadMail], list[Unreadable]]:
    """The mails of the batch in order, and those that cannot be read.

    `alone` is how a mail is read that has the batch to itself, because it is large.

    Raises MailboxUnavailable when the connection is lost; the mails in hand are then suspects.
    """
    uids = [mail.uid for mail in batch]
    if suspects.unreadable(uids):
        return [], [Unreadable(batch[0], "the mail server breaks off whenever it is read")]
    try:
        if alone is None:
            mails = await threads.run(mailbox.read, uids)
        else:
            mail = await threads.run(alone, batch[0])
            mails = [mail] if mail else []
        withheld = await _withheld(mailbox, threads, batch, mails)
    except MailUnreadable as error:
        if len(batch) == 1 and suspects.refused_for_good(batch[0].uid):
            return [], [Unreadable(batch[0], error.problem)]
        return await _one_by_one(mailbox, threads, batch, suspects, alone)
    except Exception as error:
        if _may_be_by_a_mail(error):
            suspects.suspect(uids)
        raise
    if not withheld:
        return mails, []
    if len(batch) == 1:
        return [], [Unreadable(batch[0], "the mail server lists it and does not give it out")]
    more, unreadable = await _one_by_one(mailbox, threads, withheld, suspects)
    return sorted([*mails, *more], key=lambda mail: mail.uid), unreadable


def _may_be_by_a_mail(error: Exception) -> bool:
    """Whether one mail may be the reason, so that the fault would come back for ever.

    A pause that the server asks for is no mail's fault, nor is a full disk; an answer that nobody
    foresaw may be.
    """
    if isinstance(error, MailboxUnavailable):
        return not error.after_seconds
    return not isinstance(error, PipelineError)


async def _withheld(
    mailbox: Mailbox, threads: Threads, batch: Sequence[ListedMail], mails: Sequence[ReadMail]
) -> list[ListedMail]:
    """Mails that are missing in the server's answer though it still lists them.

    The other missing ones were removed, and are nobody's loss.
    """
    given = {mail.uid for mail in mails}
    withheld = []
    for missing in (mail for mail in batch if mail.uid not in given):
        listed = await threads.run(mailbox.list_after, missing.uid - 1, with_sizes=False)
        if listed and listed[0].uid == missing.uid:
            withheld.append(missing)
    return withheld


async def _one_by_one(
    mailbox: Mailbox,
    threads: Threads,
    batch: Sequence[ListedMail],
    suspects: Suspects,
    alone: OneRead | None = None,
) -> tuple[list[ReadMail], list[Unreadable]]:
    mails: list[ReadMail] = []
    unreadable: list[Unreadable] = []
    for mail in batch:
        read, refused = await read_batch(mailbox, threads, [mail], suspects, alone=alone)
        mails += read
        unreadable += refused
    return mails, unreadable
