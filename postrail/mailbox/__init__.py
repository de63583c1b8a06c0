"""The role Mailbox: a watched folder on a mail server, and the messages read from it.

The fetcher, the tests of accounts, the doctor and the demo call it. Implementations are blocking
and are called from threads, one call at a time; only `interrupt` may be called at any time. They
raise MailboxUnavailable (retry later), MailUnreadable (this message cannot be read) and
ConfigurationError (an administrator has to change the mail account).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postrail.errors import PermanentError, ServerUnavailable
from postrail.mailbox.spool import Spool

# As the packages of the mailboxes name it.
MailboxUnavailable = ServerUnavailable


@dataclass(frozen=True, slots=True)
class KnownFields:
    """What a server tells of a message that it does not send."""

    subject: str = ""
    sender: str = ""
    message_id: str | None = None
    received_at: datetime | None = None


class MailUnreadable(PermanentError):
    """The mail server lists a message and refuses to send it."""

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        setting: str = "",
        known: KnownFields | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy, setting=setting)
        self.known = known or KnownFields()


@dataclass(frozen=True, slots=True)
class ListedMail:
    """A message in the mailbox: its number there (IMAP: UID) and its size in bytes.

    The size is None when the server did not report it; such a message is best read alone.
    """

    uid: int
    size: int | None
    # Identifies the message for good where its number does not (POP3: "uidl=…"); else "".
    key: str = ""


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A message as the server sent it, and when the server received it."""

    uid: int
    content: bytes
    received_at: datetime | None
    key: str = ""
    # Set when the content is only the header of a message of this size.
    full_size: int | None = None
    # Set when the content is in here, and not in `content`; the caller closes it.
    spool: Spool | None = None

    @property
    def size(self) -> int:
        """Returns the bytes of the whole message."""
        if self.spool is not None:
            return self.spool.size
        return len(self.content) if self.full_size is None else self.full_size

    def close(self) -> None:
        """Releases the disk space of a large message."""
        if self.spool is not None:
            self.spool.close()

    def chunks(self) -> Iterator[bytes]:
        """Yields what was read, in chunks."""
        return iter([self.content]) if self.spool is None else self.spool.chunks()


class Mailbox(Protocol):
    """A folder on a mail server whose messages have numbers that only grow."""

    @property
    def single_connection_polls(self) -> bool:
        """Tells whether every poll needs a connection of its own, to be opened after `rest`.

        A POP3 session locks the mailbox and sees only the messages that were there at its login.
        """

    def open(self) -> int:
        """Connects and logs in; returns the UIDVALIDITY, for which alone the numbers are valid.

        Where `rest` ends the connection, this opens it again; so does the next call that needs it.
        """

    @property
    def uid_next(self) -> int:
        """Returns UIDNEXT as it was at `open`: no message has this number or a higher one.

        0 where the server does not report it, and where the numbers are ours.
        """

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """Lists the first messages numbered above `uid`, in order.

        Sizes can be left out for servers that break off the connection over one of the messages.
        """

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages numbered up to `last`, in order, without their sizes.

        Where the numbers are ours, it also lists older messages that no poll asked for, whose
        numbers are higher.
        """

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages in order, less those that were removed meanwhile; flags stay as they are.

        Raises MailUnreadable when the server refuses any of them.
        """

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message of large or unknown size in little memory; None when it was removed.

        Raises MailUnreadable when the server refuses it.
        """

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header of a message that is too large; None when it was removed meanwhile."""

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that `finish` has not changed yet."""

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks, removes or moves messages after their download, as the account asks.

        Returns False when that takes effect only with the next `rest`. Raises MailUnreadable when
        the server does not allow it.
        """

    def rest(self) -> None:
        """Ends a poll: releases a mailbox that this session locks, until the next poll."""

    @property
    def can_idle(self) -> bool:
        """Returns whether the server announces new mail by itself."""

    def start_idle(self) -> bool:
        """Asks for announcements; returns False, without idling, when new mail is there."""

    def stop_idle(self) -> None:
        """Ends a successful `start_idle`."""

    def fileno(self) -> int:
        """Returns the socket that becomes readable when the server announces something."""

    def interrupt(self) -> None:
        """Shuts the connection down without waiting, so that a call in another thread ends."""

    def close(self) -> None:
        """Releases the connection; never raises."""
