"""Reads batches of messages from a mailbox; an unreadable message does not stop the others."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError, causes
from postrail.mailbox import (
    KnownFields,
    ListedMail,
    Mailbox,
    MailboxUnavailable,
    MailUnreadable,
    ReadMail,
)
from postrail.settings import FetcherSettings
from postrail.stand_in import read_stand_in
from services.fetcher.threads import Threads

# Some servers (Dovecot by default) break off the connection instead of refusing one message. It
# counts as unreadable after this number of losses while it was read alone, each after a new login.
LOSSES_OF_UNREADABLE = 3
STAND_IN = (
    "the mail server cannot convert it and serves a stand-in that says so; Outlook may show it"
)

# What the operating system refuses to a process, whatever it reads.
REFUSALS = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOMEM}

# Reads one message; returns None when it was removed in the meantime.
SingleRead = Callable[[ListedMail], ReadMail | None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a mail account; 0 means unlimited."""

    max_mails_per_poll: int = 0
    max_message_bytes: int = 0

    @classmethod
    def of(cls, account: MailAccount) -> Self:
        """Returns the limits of an account."""
        return cls(
            max_mails_per_poll=account.max_mails_per_poll,
            max_message_bytes=account.max_message_bytes,
        )

    def exceeded_by(self, message: ListedMail) -> bool:
        """Tells whether the message is known to be too large."""
        return 0 < self.max_message_bytes < (message.size or 0)

    def may_be_exceeded_by(self, message: ListedMail) -> bool:
        """Tells whether the message is too large, or could be because its size is unknown."""
        return self.exceeded_by(message) or (self.max_message_bytes > 0 and message.size is None)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A listed message that cannot be read, and the reason."""

    message: ListedMail
    reason: str
    known: KnownFields = field(default_factory=KnownFields)


@dataclass
class Suspects:
    """Messages during whose reading a connection was lost; kept from one login to the next."""

    losses: Counter[int] = field(default_factory=Counter)
    # The number of refusals of each message; the server may be busy with it for a while.
    refusals: Counter[int] = field(default_factory=Counter)
    # What the connection was lost by, the last time.
    faults: dict[int, str] = field(default_factory=dict)
    # Messages that are not to be read at all, and why.
    given_up: dict[int, str] = field(default_factory=dict)
    # The connection was lost during a listing, perhaps by a message whose size cannot be computed.
    in_listing: bool = False

    def suspect(self, uids: Sequence[int], fault: str = "") -> None:
        """Notes that the connection was lost while these messages were read."""
        alone = len(uids) == 1
        for uid in uids:
            self.faults[uid] = fault
            # A batch only makes suspects; a loss counts when the message was read alone.
            self.losses[uid] += 1 if alone else 0

    def unreadable(self, uids: Sequence[int]) -> bool:
        """Tells whether this is one message that has caused too many losses, or is given up."""
        lost = len(uids) == 1 and self.losses[uids[0]] >= LOSSES_OF_UNREADABLE
        return lost or (len(uids) == 1 and uids[0] in self.given_up)

    def give_up(self, uid: int, reason: str) -> None:
        """Makes a message unreadable, for this reason."""
        self.given_up[uid] = reason

    def reason(self, uid: int) -> str:
        """Returns why the message is unreadable, in the words of the last fault."""
        if uid in self.given_up:
            return self.given_up[uid]
        fault = self.faults.get(uid, "")
        return "the mail server breaks off whenever it is read" + (f": {fault}" if fault else "")

    def last_attempt(self, uid: int) -> bool:
        """Tells whether another loss makes the message unreadable."""
        return self.losses[uid] == LOSSES_OF_UNREADABLE - 1

    def refused_for_good(self, uid: int) -> bool:
        """Counts a refusal of this message alone; returns whether to give it up."""
        self.refusals[uid] += 1
        return self.refusals[uid] >= LOSSES_OF_UNREADABLE

    def forget(self, uids: Sequence[int]) -> None:
        """Forgets messages that are recorded."""
        for uid in uids:
            self.losses.pop(uid, None)
            self.refusals.pop(uid, None)
            self.faults.pop(uid, None)
            self.given_up.pop(uid, None)


def is_large(message: ListedMail, max_bytes: int) -> bool:
    """Tells whether a message is larger than a batch may be, or could be."""
    return message.size is None or message.size > max_bytes


def batches(
    listed: Sequence[ListedMail], *, max_mails: int, max_bytes: int, alone: Collection[int] = ()
) -> Iterator[list[ListedMail]]:
    """Divides messages, in order, into batches of at most `max_mails` and `max_bytes`.

    Large messages and those in `alone` get a batch of their own.
    """
    batch: list[ListedMail] = []
    size = 0
    for message in listed:
        single = is_large(message, max_bytes) or message.uid in alone
        full = len(batch) == max_mails or size + (message.size or 0) > max_bytes
        if batch and (single or full):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size or 0
        if single:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class BatchReader:
    """Lists and reads the messages of one open mailbox."""

    def __init__(
        self,
        mailbox: Mailbox,
        threads: Threads,
        settings: FetcherSettings,
        suspects: Suspects,
        limits: Limits,
    ) -> None:
        self._mailbox = mailbox
        self._threads = threads
        self._settings = settings
        self._suspects = suspects
        self._limits = limits

    async def held(self, last: int) -> list[ListedMail]:
        """Returns all messages up to `last` that the mailbox holds."""
        return await self._threads.run(self._mailbox.held, last)

    async def list_after(self, uid: int) -> list[ListedMail]:
        """Returns the first messages above `uid`; without sizes when those break the connection."""
        with_sizes = not self._suspects.in_listing
        try:
            return await self._threads.run(self._mailbox.list_after, uid, with_sizes=with_sizes)
        except MailboxUnavailable as error:
            # A server that asks for a pause has not failed over a message.
            self._suspects.in_listing = self._suspects.in_listing or not error.after_seconds
            raise

    def batches(self, listed: Sequence[ListedMail]) -> Iterator[list[ListedMail]]:
        """Divides listed messages into batches; too large and suspected ones are read alone."""
        too_large = {message.uid for message in listed if self._limits.exceeded_by(message)}
        return batches(
            listed,
            max_mails=self._settings.batch_max_mails,
            max_bytes=self._settings.batch_max_bytes,
            alone=too_large | self._suspects.losses.keys(),
        )

    async def read(self, batch: Sequence[ListedMail]) -> tuple[list[ReadMail], list[Unreadable]]:
        """Returns the messages of the batch in order, and those that cannot be read.

        Raises MailboxUnavailable when the connection is lost; the batch is then suspected.
        """
        uids = [message.uid for message in batch]
        if self._suspects.unreadable(uids):
            return [], [Unreadable(batch[0], self._suspects.reason(batch[0].uid))]
        try:
            messages = await self._read(batch)
            withheld = await self._withheld(batch, messages)
        except MailUnreadable as error:
            if len(batch) == 1 and self._suspects.refused_for_good(batch[0].uid):
                return [], [Unreadable(batch[0], error.problem, error.known)]
            return await self._read_one_by_one(batch)
        except Exception as error:
            if _may_be_caused_by_a_message(error):
                self._suspects.suspect(uids, _problem_of(error))
            raise
        messages, stand_ins = _without_stand_ins(batch, messages)
        if not withheld:
            return messages, stand_ins
        if len(batch) == 1 and self._suspects.refused_for_good(batch[0].uid):
            return [], [Unreadable(batch[0], "the mail server lists it but does not deliver it")]
        more, unreadable = await self._read_one_by_one(withheld)
        by_uid = sorted([*messages, *more], key=lambda message: message.uid)
        return by_uid, [*stand_ins, *unreadable]

    async def _read(self, batch: Sequence[ListedMail]) -> list[ReadMail]:
        if single_read := self._single_read(batch[0]):
            message = await self._threads.run(single_read, batch[0])
            return [message] if message else []
        return await self._threads.run(self._mailbox.read, [message.uid for message in batch])

    def _single_read(self, message: ListedMail) -> SingleRead | None:
        """Returns the call that reads a message too large for a shared batch, else None."""
        if self._limits.exceeded_by(message):
            return self._mailbox.read_header
        # Some servers break off over a whole message, and send it in chunks.
        if is_large(message, self._settings.batch_max_bytes) or self._suspects.last_attempt(
            message.uid
        ):
            return self._read_large
        return None

    def _read_large(self, listed: ListedMail) -> ReadMail | None:
        """Reads to disk; reads only the header if the size, unknown before, is over the limit."""
        message = self._mailbox.read_to_spool(listed)
        if message is None or not self._limits.exceeded_by(replace(listed, size=message.size)):
            return message
        message.close()
        return self._mailbox.read_header(replace(listed, size=message.size))

    async def _withheld(
        self, batch: Sequence[ListedMail], messages: Sequence[ReadMail]
    ) -> list[ListedMail]:
        """Returns those missing in the server's answer that it still lists; others were removed."""
        given = {message.uid for message in messages}
        withheld = []
        for missing in (message for message in batch if message.uid not in given):
            listed = await self._threads.run(
                self._mailbox.list_after, missing.uid - 1, with_sizes=False
            )
            if listed and listed[0].uid == missing.uid:
                withheld.append(missing)
        return withheld

    async def _read_one_by_one(
        self, batch: Sequence[ListedMail]
    ) -> tuple[list[ReadMail], list[Unreadable]]:
        messages: list[ReadMail] = []
        unreadable: list[Unreadable] = []
        for message in batch:
            read, refused = await self.read([message])
            messages += read
            unreadable += refused
        return messages, unreadable


def _without_stand_ins(
    batch: Sequence[ListedMail], messages: Sequence[ReadMail]
) -> tuple[list[ReadMail], list[Unreadable]]:
    """Sets the messages apart that the server has replaced by stand-ins: it did not deliver them.

    They are kept as they are in the mailbox, also where it is to be emptied.
    """
    listed = {message.uid: message for message in batch}
    kept: list[ReadMail] = []
    stand_ins: list[Unreadable] = []
    for message in messages:
        stand_in = read_stand_in(next(message.chunks(), b""))
        if stand_in is None:
            kept.append(message)
            continue
        known = KnownFields(
            subject=stand_in.subject, sender=stand_in.sender, received_at=message.received_at
        )
        stand_ins.append(Unreadable(listed[message.uid], STAND_IN, known))
        message.close()
    return kept, stand_ins


def _may_be_caused_by_a_message(error: Exception) -> bool:
    """Tells whether one message may be the reason, so that the fault would return for ever.

    A pause that the server asks for, and what the operating system refuses (space, descriptors),
    are not; an unforeseen answer may be.
    """
    if any(isinstance(one, OSError) and one.errno in REFUSALS for one in causes(error)):
        return False
    if isinstance(error, MailboxUnavailable):
        return not error.after_seconds
    return not isinstance(error, PipelineError)


def _problem_of(error: Exception) -> str:
    """Returns the words of our own errors; those of libraries may hold a part of a message."""
    return error.problem if isinstance(error, PipelineError) else type(error).__name__
