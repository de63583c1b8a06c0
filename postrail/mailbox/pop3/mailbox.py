"""Reads a mailbox by POP3 (RFC 1939). Blocking: for threads.

A session sees the messages that were there at its login, and locks the mailbox; so each poll has a
session of its own, which `rest` ends. The server removes marked messages when it answers QUIT; a
session that breaks before that removes nothing.

A line of one dot that a server does not double ends a message early, and what follows would be
taken for the answers to the next commands. Such a session is dropped, without QUIT.

`seen` and `leave` are the same here: the message stays, and its unique id (UIDL) shows that it is
known. On a server without UIDL each poll has to read all messages to find the new ones: there
`remove` is better. Unique ids must not be used again: a message with the id of one that was removed
less than 30 days ago counts as known.
"""

from __future__ import annotations

import bisect
import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.mailbox import ListedMail, ReadMail
from postrail.mailbox.ledger import OUR_NUMBERS, Ledger
from postrail.mailbox.limits import (
    LISTED_AT_ONCE,
    LISTED_WITHOUT_SIZES,
)
from postrail.mailbox.pop3.dialogue import Dialogue, NotPop3, OutOfStep, Refused
from postrail.mailbox.pop3.dialogue_log import Pop3DialogueLog
from postrail.mailbox.pop3.faults import (
    connection_fault,
    cut_short,
    header_refused,
    is_temporary,
    message_refused,
    too_soon,
)
from postrail.mailbox.pop3.login import Capabilities, log_in, login_delay_seconds
from postrail.mailbox.pop3.maildrop import Maildrop, MaildropListing
from postrail.mailbox.pop3.retrieval import (
    CutShort,
    Read,
    T,
    on_disk,
    small_or_spooled,
    whole_header,
)
from postrail.mailbox.spool import Spool
from postrail.observe.log import log
from postrail.wire import connect_timeout_seconds
from postrail.wire.dialogue_log import DialogueLog, masked_in_errors
from postrail.wire.faults import server_of, words_of
from postrail.wire.login import Login, secret_of

logger = log(__name__)

# Each takes a session of its own, when the keys are made by reading.
MOST_CUT_PLACES = 10
# Makes the error for a message that the server does not send.
FaultOf = Callable[[MailAccount, Refused], PipelineError]


class Pop3Mailbox:
    """The one folder of a POP3 account."""

    single_connection_polls = True
    uid_next = 0

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
        # The listing of this session, or of the last one.
        self._maildrop: Maildrop | None = None
        self._marked: set[int] = set()
        # Marked in a session that was dropped, so that they are to be marked again.
        self._to_mark: set[int] = set()
        # Places that cannot be read for their keys; see MaildropListing.
        self._cut_places: set[int] = set()
        self._interrupted = False
        self._next_login_at = 0.0

    def open(self) -> int:
        """Logs in, unless LOGIN-DELAY has not passed: then the next listing is empty.

        Raises ConfigurationError or MailboxUnavailable; both name the setting and the remedy.
        """
        if not self._too_soon():
            self._connected()
        return OUR_NUMBERS

    def _too_soon(self) -> bool:
        """Tells whether LOGIN-DELAY (RFC 2449, 6.5) forbids the login that a session needs."""
        return self._dialogue is None and self._monotonic() < self._next_login_at

    def _connected(self) -> Dialogue:
        if self._dialogue is not None and not self._dialogue.in_step:
            # Its next answer could be part of a message; without QUIT nothing is removed.
            self._drop()
        if self._dialogue is None:
            self._maildrop, self._marked = None, set()
            try:
                # Asking for a token takes time, so it comes before there is a connection.
                secret = secret_of(self._login)
                with masked_in_errors(secret), connection_fault(self._account):
                    return self._connect(secret)
            except PipelineError:
                self._disconnect()
                raise
        return self._dialogue

    def _connect(self, secret: str) -> Dialogue:
        account = self._account
        if self._too_soon():
            raise too_soon(account)
        connection = socket.create_connection(
            (account.host, account.port), connect_timeout_seconds(account)
        )
        connection.settimeout(account.timeout_ms / 1000)
        dialogue_log = (
            Pop3DialogueLog(DialogueLog(account.name, [secret])) if account.debug else None
        )
        self._dialogue = dialogue = Dialogue(connection, dialogue_log)
        if self._interrupted:
            dialogue.interrupt()
        self._capabilities = log_in(dialogue, account, self._login, secret)
        self._next_login_at = self._monotonic() + login_delay_seconds(self._capabilities)
        return dialogue

    def stat(self) -> tuple[int, int]:
        """Returns the number of messages, and their bytes (RFC 1939, 5)."""
        words = self._connected().ask("STAT").split()
        try:
            return int(words[1]), int(words[2])
        except (IndexError, ValueError) as error:
            raise NotPop3(" ".join(words)) from error

    def unique_ids(self) -> list[bytes]:
        """Returns the lines of UIDL; raises Refused where the server lacks it."""
        return list(self._connected().listing("UIDL"))

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """Lists the first messages above `uid`; fewer of them without sizes."""
        if self._too_soon() and not self._interrupted:
            return []
        maildrop = self._listed(with_sizes=with_sizes)
        first = bisect.bisect_right(maildrop.numbers, uid)
        most = LISTED_AT_ONCE if with_sizes else LISTED_WITHOUT_SIZES
        sizes = maildrop.sizes if with_sizes else {}
        return [
            ListedMail(number, sizes.get(number), maildrop.keys[number])
            for number in maildrop.numbers[first : first + most]
        ]

    def _listed(self, *, with_sizes: bool = True) -> Maildrop:
        """Returns the listing of the current session; opens one when needed."""
        dialogue = self._connected()
        while self._maildrop is None:
            listing = MaildropListing(dialogue, self._account, self._capabilities, self._cut_places)
            with connection_fault(self._account):
                try:
                    self._maildrop = listing.take(self._ledger, with_sizes=with_sizes)
                except OutOfStep:
                    if len(self._cut_places) > MOST_CUT_PLACES:
                        raise
            dialogue = self._connected()
        if self._to_mark:
            uids, self._to_mark = sorted(self._to_mark), set()
            self._mark_all(self._maildrop, uids)
        return self._maildrop

    def _mark_all(self, maildrop: Maildrop, uids: Iterable[int]) -> None:
        with connection_fault(self._account):
            for uid in uids:
                for place in maildrop.places.get(uid, ()):
                    self._mark(uid, place)

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages numbered up to `last`, as the last session left them."""
        maildrop = self._maildrop or self._listed()
        return [
            ListedMail(number, None, maildrop.keys[number])
            for number in maildrop.numbers
            if number <= last and number not in self._marked
        ]

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages in order, by RETR; one that is larger than LIST reported goes to disk."""
        with contextlib.ExitStack() as on_error:
            found = [on_error.enter_context(contextlib.closing(mail)) for mail in self._read(uids)]
            on_error.pop_all()
        return found

    def _read(self, uids: Sequence[int]) -> Iterator[ReadMail]:
        for uid in uids:
            content = self._retrieved(uid, message_refused, small_or_spooled)
            if content is not None:
                yield _read_mail(uid, content, self._listed().keys[uid])

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message to disk, by RETR."""
        spool = self._retrieved(mail.uid, message_refused, on_disk)
        return None if spool is None else _read_mail(mail.uid, spool, mail.key)

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header, by TOP."""
        found = self._retrieved(mail.uid, header_refused, whole_header)
        if found is None:
            return None
        return ReadMail(mail.uid, found, None, mail.key, full_size=mail.size)

    def _retrieved(self, uid: int, fault: FaultOf, read: Read[T]) -> T | None:
        """Returns what `read` reads of a message; None when the message is gone.

        That it was removed over IMAP meanwhile shows only in the next session.
        """
        maildrop = self._listed()
        place = maildrop.place_of(uid)
        if place is None:
            return None
        with connection_fault(self._account):
            try:
                dialogue = self._connected()
                dialogue.require_in_step()
                return read(dialogue, place, maildrop.sizes.get(uid))
            except CutShort as error:
                self._drop()
                raise cut_short(error.read, error.listed) from error
            except Refused as error:
                refused = fault(self._account, error)
                refused.__cause__ = error
        self.rest()
        if self._too_soon() or self._listed().place_of(uid) is not None:
            raise refused
        return None

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that are to be removed and still there."""
        if self._account.after_download != "remove":
            return []
        maildrop = self._listed()
        return [
            ListedMail(number, None, maildrop.keys[number])
            for number in maildrop.numbers
            if first <= number <= last
        ]

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks messages for removal by the next `rest`, where the account asks for that."""
        if self._account.after_download != "remove":
            return True
        self._mark_all(self._listed(), uids)
        return not self._marked

    def _mark(self, uid: int, place: int) -> None:
        try:
            dialogue = self._connected()
            dialogue.require_in_step()
            dialogue.ask(f"DELE {place}")
            self._marked.add(uid)
        except Refused as error:
            self._log_that_they_stay(error, uids=[uid])

    def rest(self) -> None:
        """Ends the session, upon which the server removes the marked messages."""
        if self._to_mark:
            self._listed()
        if self._dialogue is None:
            return
        with connection_fault(self._account):
            try:
                # QUIT removes what was marked, so it must be this session that answers.
                self._dialogue.require_in_step()
                self._dialogue.ask("QUIT")
            except Refused as error:
                if is_temporary(error):
                    raise
                self._log_that_they_stay(error)
        self._disconnect()

    def _log_that_they_stay(self, error: Refused, **more: list[int]) -> None:
        """Logs the refusal; the messages are safe, and it must not stop the next ones."""
        logger.warning(
            "mails stay in the mailbox as they are",
            mailbox=self._account.name,
            reason=f"{server_of(self._account)} does not remove them: {words_of(error)}",
            **more,
        )

    @property
    def can_idle(self) -> bool:
        """Returns False: POP3 has no announcements."""
        return False

    def start_idle(self) -> bool:
        """Returns False, as `can_idle` does."""
        return False

    def stop_idle(self) -> None:
        """Does nothing."""

    def fileno(self) -> int:
        """Returns the descriptor of the connection's socket; -1 between two sessions."""
        return -1 if self._dialogue is None else self._dialogue.fileno()

    def interrupt(self) -> None:
        """Shuts the socket down while another thread may be reading from it."""
        self._interrupted = True
        if self._dialogue is not None:
            self._dialogue.interrupt()

    def close(self) -> None:
        """Logs out where that is still possible, and releases the socket."""
        with contextlib.suppress(OSError, EOFError, Refused, NotPop3):
            if self._dialogue is not None and self._dialogue.in_step and not self._interrupted:
                self._dialogue.require_in_step()
                self._dialogue.ask("QUIT")
        self._disconnect()

    def _drop(self) -> None:
        """Ends the connection without QUIT, so that the server removes nothing."""
        self._to_mark |= self._marked
        self._disconnect()

    def _disconnect(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.close()


def _read_mail(uid: int, content: bytes | Spool, key: str) -> ReadMail:
    """Returns the message; POP3 does not report when the server received it."""
    if isinstance(content, Spool):
        return ReadMail(uid, b"", None, key, spool=content)
    return ReadMail(uid, content, None, key)
