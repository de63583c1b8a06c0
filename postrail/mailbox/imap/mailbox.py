"""Reads a mailbox by IMAP4rev1 (RFC 3501), through imapclient. Blocking: for threads."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import ListedMail, ReadMail
from postrail.mailbox.imap import idle
from postrail.mailbox.imap.after_download import AfterDownload
from postrail.mailbox.imap.faults import connection_fault
from postrail.mailbox.imap.listing import ImapListing
from postrail.mailbox.imap.retrieval import ImapRetrieval
from postrail.mailbox.imap.session import ImapSession
from postrail.wire.login import Login


class ImapMailbox:
    """The folder of a mail account, over one connection."""

    single_connection_polls = False

    def __init__(self, account: MailAccount, login: Login) -> None:
        self._account = account
        self._login = login
        self._session = ImapSession(account)
        self._listing = ImapListing(self._session)
        self._retrieval = ImapRetrieval(self._session)
        self._after_download = AfterDownload(self._session)

    def open(self) -> int:
        """Connects, logs in and selects the folder; returns its UIDVALIDITY.

        Raises ConfigurationError or MailboxUnavailable; both name the setting and the remedy.
        """
        return self._session.open(self._login)

    @property
    def uid_next(self) -> int:
        """Returns the UIDNEXT of the selected folder; 0 when the server does not report it."""
        return self._session.uid_next

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """Lists the first messages with a UID above `uid`; fewer of them without sizes."""
        return self._listing.list_after(uid, with_sizes=with_sizes)

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages with a UID up to `last`."""
        return self._listing.held(last)

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages whole, in order."""
        return self._retrieval.read(uids)

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message to disk, chunk by chunk."""
        return self._retrieval.read_to_spool(mail)

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header, or 1 MiB of it."""
        return self._retrieval.read_header(mail)

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that were not marked, removed or moved."""
        if self._account.after_download == "leave":
            return []
        with connection_fault(self._account):
            criterion = self._after_download.unfinished_criterion()
        return self._listing.between(first, last, criterion)

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks, removes or moves; raises MailUnreadable when we may only read the folder."""
        if self._account.after_download != "leave":
            self._after_download.finish(uids)
        return True

    def rest(self) -> None:
        """Keeps the connection, over which the server announces new mail."""

    @property
    def can_idle(self) -> bool:
        """Returns whether the server offers IDLE (RFC 2177)."""
        return idle.can_idle(self._session)

    def start_idle(self) -> bool:
        """Sends IDLE; returns False when new mail was announced since the last listing."""
        return idle.start_idle(self._session)

    def stop_idle(self) -> None:
        """Sends DONE and waits for the answer."""
        idle.stop_idle(self._session)

    def fileno(self) -> int:
        """Returns the descriptor of the connection's socket."""
        return int(self._session.client.socket().fileno())

    def interrupt(self) -> None:
        """Shuts the socket down while another thread may be reading from it."""
        self._session.interrupt()

    def close(self) -> None:
        """Logs out where that is still possible, and releases the socket."""
        self._session.close()
