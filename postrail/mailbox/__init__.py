"""The role Mailbox: a watched folder on a mail server, and what is read from it.

Implementations are blocking and are called from threads, one call at a time; `interrupt` alone may
be called at any time. Their errors: MailboxUnavailable (retry later), MailUnreadable (this message
cannot be read) and ConfigurationError (somebody must change the mail account).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postrail.errors import PermanentError, TransientError
from postrail.mailbox.spool import Spool


class MailboxUnavailable(TransientError):
    """The mail server cannot be reached or broke off the connection; the mails stay there.

    With `after_seconds` it asked for a pause of its own, and no mail is the reason.
    """

    def __init__(
        self, problem: str, *, remedy: str = "", setting: str = "", after_seconds: float = 0.0
    ) -> None:
        super().__init__(problem, remedy=remedy, setting=setting)
        self.after_seconds = after_seconds


class MailUnreadable(PermanentError):
    """The mail server refuses to give out a mail that it lists."""


@dataclass(frozen=True, slots=True)
class ListedMail:
    """A mail that the mailbox holds: its number there (IMAP: UID) and its size in bytes.

    The size is None when the server could not tell; such a mail is best read alone.
    """

    uid: int
    size: int | None
    # What names the mail for good where its number does not (POP3: "uidl=…"); else "".
    key: str = ""


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail as the server gave it out, and when the server took it in."""

    uid: int
    content: bytes
    received_at: datetime | None
    key: str = ""
    # Set when the content is only the header of a mail of this size.
    full_size: int | None = None
    # Set when the content is in here, and not in `content`; whoever takes the mail closes it.
    spool: Spool | None = None

    @property
    def size(self) -> int:
        """The bytes of the whole mail."""
        if self.spool is not None:
            return self.spool.size
        return len(self.content) if self.full_size is None else self.full_size

    def close(self) -> None:
        """Gives back what the mail held outside of memory."""
        if self.spool is not None:
            self.spool.close()

    def chunks(self) -> Iterator[bytes]:
        """What was read, in pieces."""
        return iter([self.content]) if self.spool is None else self.spool.chunks()


class Mailbox(Protocol):
    """A folder on a mail server whose mails have numbers that only grow."""

    @property
    def single_connection_polls(self) -> bool:
        """Tells whether every poll needs a connection of its own, to be opened after `rest`.

        A POP3 session locks the mailbox and sees only the messages that were there at its login.
        """

    def open(self) -> int:
        """Connects and logs in; returns the UIDVALIDITY, without which no number means a thing.

        A mailbox that `rest` lets go may be opened again, or finds back by itself when it is asked.
        """

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """The first mails numbered above `uid`, in order; empty when there are none.

        Sizes can be left out for servers that break off the connection over one of the mails.
        """

    def held(self, last: int) -> list[ListedMail]:
        """All mails numbered up to `last`, in order, without their sizes.

        Where the numbers are ours, also older mails that were never asked for: theirs are higher.
        """

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """These mails, in order, less those that were removed meanwhile; flags stay as they are.

        Raises MailUnreadable when the server refuses any of them.
        """

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """A large mail, or one of unknown size, in little memory; None when it was removed.

        Raises MailUnreadable when the server refuses it.
        """

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """The header of a mail that is too large; None when it was removed meanwhile."""

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """The mails from `first` to `last` that still are as they came."""

    def finish(self, uids: Sequence[int]) -> bool:
        """Does with mails what the account wants after their download: marks, removes or moves.

        False when it takes effect with the next `rest` only. Raises MailUnreadable when the server
        does not let us.
        """

    def rest(self) -> None:
        """Nothing more is asked until the next look: a mailbox that others wait for is let go."""

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""

    def start_idle(self) -> bool:
        """Asks to be told of new mail; False when there is some already, and nothing was begun."""

    def stop_idle(self) -> None:
        """Ends what a successful `start_idle` began."""

    def fileno(self) -> int:
        """The socket that becomes readable when the server has something to tell."""

    def interrupt(self) -> None:
        """Breaks off the connection without waiting, so that a call in another thread ends."""

    def close(self) -> None:
        """Releases the connection; never raises."""
