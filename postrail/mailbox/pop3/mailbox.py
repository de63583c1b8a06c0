"""A mailbox read by POP3 (RFC 1939). Blocking: for threads.

A session sees the mails that were there at its login, and locks them for others; so each look has a
session of its own, which `rest` ends. What was to be removed is gone when the server has answered
QUIT; a session that breaks before removes nothing.

`seen` and `leave` are the same here: the mail stays, and its unique id (UIDL) tells that it is
known. Of a server without UIDL each look has to read all mails that it holds, to see which of them
are new: there `remove` is better. Unique ids must not return: a mail that gets the id of one that
is gone for less than 30 days counts as known.
"""

from __future__ import annotations

import bisect
import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.mailbox import ListedMail, ReadMail
from postrail.mailbox.dialogue_log import Dialogue as LoggedDialogue
from postrail.mailbox.dialogue_log import masked_in_errors
from postrail.mailbox.faults import server_of, words_of
from postrail.mailbox.ledger import OUR_NUMBERS, Ledger
from postrail.mailbox.login import Login, asked_for
from postrail.mailbox.pop3.dialogue import Dialogue, NotPop3, Refused
from postrail.mailbox.pop3.dialogue_log import Listener
from postrail.mailbox.pop3.faults import (
    connection_fault,
    header_withheld,
    is_passing,
    too_soon,
    withheld,
)
from postrail.mailbox.pop3.login import Capabilities, log_in, login_delay_seconds
from postrail.mailbox.pop3.maildrop import Maildrop, MaildropListing
from postrail.mailbox.pop3.retrieval import header, on_disk, small_or_spooled
from postrail.mailbox.spool import Spool
from postrail.observe.log import log

logger = log(__name__)

T = TypeVar("T")
# Makes the error for a mail that the server does not give out.
FaultOf = Callable[[MailAccount, Refused], PipelineError]

LISTED_AT_ONCE = 1000
# They are read one by one, so soon there should be a better list.
LISTED_WITHOUT_SIZES = 50
# Connecting cannot be interrupted, so it must not delay the end of the process for long.
CONNECT_TIMEOUT_SECONDS = 10.0


class Pop3Mailbox:
    """The one folder of a POP3 account."""

    single_connection_polls = True

    def __init__(
        self,
        account: MailAccount,
        login: Login,
        ledger: Ledger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._login = login
        self._ledger = ledger
        self._monotonic = monotonic
        self._dialogue: Dialogue | None = None
        self._capabilities: Capabilities = {}
        # What the session sees, or the last one saw.
        self._maildrop: Maildrop | None = None
        self._marked: set[int] = set()
        self._interrupted = False
        self._next_login_at = 0.0

    def open(self) -> int:
        """Logs in, unless it is too soon for that: then nothing is listed.

        Raises ConfigurationError or MailboxUnavailable; both name the setting and the remedy.
        """
        if not self._too_soon():
            self._connected()
        return OUR_NUMBERS

    def _too_soon(self) -> bool:
        """Whether there is no session, and the server allows none yet (RFC 2449, 6.5)."""
        return self._dialogue is None and self._monotonic() < self._next_login_at

    def _connected(self) -> Dialogue:
        if self._dialogue is None:
            self._maildrop, self._marked = None, set()
            try:
                # Before there is a connection that would wait for it.
                secret = self._login if isinstance(self._login, str) else asked_for(self._login)
                with masked_in_errors(secret), connection_fault(self._account):
                    return self._connect(secret)
            except PipelineError:
                self._let_go()
                raise
        return self._dialogue

    def _connect(self, secret: str) -> Dialogue:
        account, timeout = self._account, self._account.timeout_ms / 1000
        if self._too_soon():
            raise too_soon(account)
        connection = socket.create_connection(
            (account.host, account.port), min(timeout, CONNECT_TIMEOUT_SECONDS)
        )
        connection.settimeout(timeout)
        listener = Listener(LoggedDialogue(account.name, [secret])) if account.debug else None
        self._dialogue = dialogue = Dialogue(connection, listener)
        if self._interrupted:
            dialogue.interrupt()
        self._capabilities = log_in(dialogue, account, self._login, secret)
        self._next_login_at = self._monotonic() + login_delay_seconds(self._capabilities)
        return dialogue

    def stat(self) -> tuple[int, int]:
        """How many mails there are, and their bytes (RFC 1939, 5)."""
        words = self._connected().ask("STAT").split()
        try:
            return int(words[1]), int(words[2])
        except (IndexError, ValueError) as error:
            raise NotPop3(" ".join(words)) from error

    def unique_ids(self) -> list[bytes]:
        """The lines of UIDL; raises Refused where the server has none."""
        return list(self._connected().listing("UIDL"))

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """The first mails above `uid`, with their sizes or fewer without."""
        if self._too_soon() and not self._interrupted:
            return []
        maildrop = self._session(with_sizes=with_sizes)
        first = bisect.bisect_right(maildrop.numbers, uid)
        most = LISTED_AT_ONCE if with_sizes else LISTED_WITHOUT_SIZES
        sizes = maildrop.sizes if with_sizes else {}
        return [
            ListedMail(number, sizes.get(number), maildrop.keys[number])
            for number in maildrop.numbers[first : first + most]
        ]

    def _session(self, *, with_sizes: bool = True) -> Maildrop:
        """What the session in hand sees, or a new one where there is none."""
        dialogue = self._connected()
        if self._maildrop is None:
            with connection_fault(self._account):
                stock = MaildropListing(dialogue, self._account, self._capabilities)
                self._maildrop = stock.take(self._ledger, with_sizes=with_sizes)
        return self._maildrop

    def held(self, last: int) -> list[ListedMail]:
        """All mails numbered up to `last`, as the last session left them; it needs no other one."""
        maildrop = self._maildrop or self._session()
        return [
            ListedMail(number, None, maildrop.keys[number])
            for number in maildrop.numbers
            if number <= last and number not in self._marked
        ]

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """These mails, in order, by RETR; one that is larger than LIST told goes to disk."""
        with contextlib.ExitStack() as faulty:
            found = [faulty.enter_context(contextlib.closing(mail)) for mail in self._read(uids)]
            faulty.pop_all()
        return found

    def _read(self, uids: Sequence[int]) -> Iterator[ReadMail]:
        for uid in uids:
            content = self._given_out(uid, withheld, small_or_spooled)
            if content is not None:
                yield _read_mail(uid, content, self._session().keys[uid])

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """The mail by RETR, piece by piece."""
        spool = self._given_out(mail.uid, withheld, on_disk)
        return None if spool is None else _read_mail(mail.uid, spool, mail.key)

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """The mail's header, by TOP."""
        found = self._given_out(mail.uid, header_withheld, header)
        if found is None:
            return None
        return ReadMail(mail.uid, found, None, mail.key, full_size=mail.size)

    def _given_out(self, uid: int, fault: FaultOf, take: Callable[[Dialogue, int], T]) -> T | None:
        """What `take` takes of a mail; None when the mail is not there (any more).

        A session does not tell that another one, by IMAP, has removed a mail; the next one does.
        """
        place = self._session().place_of(uid)
        if place is None:
            return None
        with connection_fault(self._account):
            try:
                return take(self._connected(), place)
            except Refused as error:
                unwilling = fault(self._account, error)
                unwilling.__cause__ = error
        self.rest()
        if self._too_soon() or self._session().place_of(uid) is not None:
            raise unwilling
        return None

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """The mails from `first` to `last` that are to be removed and still there."""
        if self._account.after_download != "remove":
            return []
        maildrop = self._session()
        return [
            ListedMail(number, None, maildrop.keys[number])
            for number in maildrop.numbers
            if first <= number <= last
        ]

    def finish(self, uids: Sequence[int]) -> bool:
        """Asks for the removal of mails, which comes with the next `rest`; others stay."""
        if self._account.after_download != "remove":
            return True
        maildrop = self._session()
        with connection_fault(self._account):
            for uid in uids:
                for place in maildrop.places.get(uid, ()):
                    self._mark(uid, place)
        return not self._marked

    def _mark(self, uid: int, place: int) -> None:
        try:
            self._connected().ask(f"DELE {place}")
            self._marked.add(uid)
        except Refused as error:
            self._tell_that_they_stay(error, uids=[uid])

    def rest(self) -> None:
        """Ends the session, by which the server removes what was marked."""
        if self._dialogue is None:
            return
        with connection_fault(self._account):
            try:
                self._dialogue.ask("QUIT")
            except Refused as error:
                if is_passing(error):
                    raise
                self._tell_that_they_stay(error)
        self._let_go()

    def _tell_that_they_stay(self, error: Refused, **more: list[int]) -> None:
        """The mails are safe; what becomes of them in the mailbox must not stop the next ones."""
        logger.warning(
            "mails stay in the mailbox as they are",
            mailbox=self._account.name,
            reason=f"{server_of(self._account)} does not remove them: {words_of(error)}",
            **more,
        )

    @property
    def can_idle(self) -> bool:
        """POP3 knows nothing of the kind."""
        return False

    def start_idle(self) -> bool:
        """There is nothing to begin."""
        return False

    def stop_idle(self) -> None:
        """There is nothing to end."""

    def fileno(self) -> int:
        """The connection's socket; -1 between two sessions."""
        return -1 if self._dialogue is None else self._dialogue.fileno()

    def interrupt(self) -> None:
        """Shuts the socket down under whatever reads from it."""
        self._interrupted = True
        if self._dialogue is not None:
            self._dialogue.interrupt()

    def close(self) -> None:
        """Logs out where that is still possible, and releases the socket."""
        with contextlib.suppress(OSError, EOFError, Refused, NotPop3):
            if self._dialogue is not None and not self._interrupted:
                self._dialogue.ask("QUIT")
        self._let_go()

    def _let_go(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.close()


def _read_mail(uid: int, content: bytes | Spool, key: str) -> ReadMail:
    """POP3 does not tell when the server took the mail in."""
    if isinstance(content, Spool):
        return ReadMail(uid, b"", None, key, spool=content)
    return ReadMail(uid, content, None, key)
