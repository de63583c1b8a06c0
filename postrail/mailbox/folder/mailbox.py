"""Reads the messages of one place on this machine as a mailbox, whatever its kind."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from postrail.mailbox.folder import Place, StoredMessage, quoted
from postrail.mailbox.folder.eml import EmlFolder
from postrail.mailbox.folder.maildir import Maildir
from postrail.mailbox.folder.mbox import Mbox
from postrail.mailbox.ledger import OUR_NUMBERS, Ledger
from postrail.wire.faults import setting_of

T = TypeVar("T")

# Younger messages may just have come, and are fetched as new.
OVERDUE = timedelta(minutes=10)
# Only a person can fix these; others are temporary.
WRONG_PATH = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP)


class FolderMailbox:
    """The folder of a mail account, numbered by a ledger."""

    single_connection_polls = False
    uid_next = 0

    def __init__(self, account: MailAccount, ledger: Ledger, clock: Clock) -> None:
        self._account = account
        self._ledger = ledger
        self._clock = clock
        self._place: Place | None = None
        self._mails: dict[int, StoredMessage] = {}
        self._interrupted = False
        # `close` may be called while another call is running.
        self._call_lock = threading.Lock()

    def open(self) -> int:
        """Opens the place that the path leads to; raises ConfigurationError that names it."""
        with self._call_lock, path_fault(self._account):
            self._check()
            self._place = place_of(self._account, self._clock)
        return OUR_NUMBERS

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """Lists the messages numbered above `uid`."""
        with self._call_lock:
            self._list()
            return [
                ListedMail(number, mail.size if with_sizes else None, mail.key)
                for number, mail in sorted(self._mails.items())
                if number > uid
            ]

    def _list(self) -> None:
        place = self._open_place()
        with path_fault(self._account):
            mails = [mail for mail in place.list_messages() if self._is_wanted(mail)]
        numbers = self._ledger.number([mail.key for mail in mails])
        self._mails = {numbers[mail.key]: mail for mail in mails}

    def _is_wanted(self, mail: StoredMessage) -> bool:
        first_day = self._account.only_after
        return not first_day or not mail.received_at or mail.received_at.date() >= first_day

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages, less those that are gone."""
        with self._call_lock:
            contents = [
                (uid, mail, self._content(mail, self._open_place().read))
                for uid, mail in self._found(uids)
            ]
        return [
            ReadMail(uid, content, mail.received_at, mail.key)
            for uid, mail, content in contents
            if content is not None
        ]

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages numbered up to `last`, and older ones that no poll has listed.

        Those came before `only_after`, and get their numbers when that becomes an earlier day.
        """
        listed_before, overdue = set(self._mails), self._clock.now() - OVERDUE
        listed = self.list_after(0, with_sizes=False)

        def is_held(uid: int) -> bool:
            since = self._mails[uid].received_at
            return uid <= last or (
                uid not in listed_before and since is not None and since < overdue
            )

        return [mail for mail in listed if is_held(mail.uid)]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message into a temporary file."""
        with self._call_lock:
            for uid, found in self._found([mail.uid]):
                spool = self._content(found, self._open_place().spool)
                if spool is not None:
                    return ReadMail(uid, b"", found.received_at, found.key, spool=spool)
        return None

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header."""
        with self._call_lock:
            for uid, found in self._found([mail.uid]):
                header = self._content(found, self._open_place().read_header)
                if header is not None:
                    size = found.size
                    return ReadMail(uid, header, found.received_at, found.key, full_size=size)
        return None

    def _found(self, uids: Sequence[int]) -> list[tuple[int, StoredMessage]]:
        """Returns the messages that the last listing has; lists again when it lacks one."""
        if not self._mails.keys() >= set(uids):
            self._list()
        return [(uid, self._mails[uid]) for uid in uids if uid in self._mails]

    def _content(self, mail: StoredMessage, read: Callable[[str], T]) -> T:
        try:
            return read(mail.key)
        except OSError as error:
            raise MailUnreadable(
                f"the file of {mail.key} cannot be read: {error.strerror}",
                setting=setting_of(self._account, "path"),
                remedy="Let the fetcher's user read it",
            ) from error

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that were not marked, removed or moved."""
        wanted = self._account.after_download
        with self._call_lock:
            if wanted == "leave" or (wanted == "seen" and not self._open_place().can_mark_seen):
                return []
            self._list()
            return [
                ListedMail(number, None, mail.key)
                for number, mail in sorted(self._mails.items())
                if first <= number <= last and not (wanted == "seen" and mail.seen)
            ]

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks, removes or moves; raises MailUnreadable when we may not write there."""
        with self._call_lock:
            place = self._open_place()
            if self._account.after_download == "leave":
                return True
            keys = [mail.key for _, mail in self._found(uids)]
            try:
                return place.finish(keys)
            except OSError as error:
                raise MailUnreadable(
                    f"{self._account.after_download!r} is not possible in"
                    f" {quoted(self._account.path)}: {error.strerror}",
                    setting=setting_of(self._account, "path, after_download, move_to"),
                    remedy="Let the fetcher's user write there, or set after_download: leave",
                ) from error

    def rest(self) -> None:
        """Rewrites an mbox from which messages are to be removed or moved."""
        with self._call_lock:
            self._open_place().rest()

    @property
    def can_idle(self) -> bool:
        """Returns False: new files are found by polls."""
        return False

    def start_idle(self) -> bool:
        """Returns False, as `can_idle` does."""
        return False

    def stop_idle(self) -> None:
        """Does nothing."""

    def fileno(self) -> int:
        """Returns -1, as there is no socket."""
        return -1

    def interrupt(self) -> None:
        """Lets the change of one message finish; the next step raises MailboxUnavailable."""
        self._interrupted = True

    def close(self) -> None:
        """Closes the files."""
        with self._call_lock:
            place, self._place = self._place, None
            if place is not None:
                with contextlib.suppress(OSError):
                    place.close()

    def _open_place(self) -> Place:
        self._check()
        if self._place is None:
            raise MailboxUnavailable(f"{quoted(self._account.path)} is not open")
        return self._place

    def _check(self) -> None:
        if self._interrupted:
            raise MailboxUnavailable(f"{quoted(self._account.path)} was closed")


def place_of(account: MailAccount, clock: Clock) -> Place:
    """Opens the path; raises OSError, and ConfigurationError for a path of no known kind."""
    path = Path(account.path)
    if path.is_dir():
        os.scandir(path).close()
        maildir = all((path / part).is_dir() for part in ("new", "cur"))
        return Maildir(account) if maildir else EmlFolder(account, clock)
    if _is_mbox(path):
        return Mbox(account, clock)
    raise ConfigurationError(
        f"{quoted(account.path)} is neither a folder nor an mbox file",
        setting=setting_of(account, "path"),
        remedy="Name a maildir, a folder of .eml files, or a file in mbox format, whose first line"
        " begins with 'From '",
    )


def _is_mbox(path: Path) -> bool:
    # Opening a named pipe would wait for its writer.
    if not stat.S_ISREG(path.stat().st_mode):
        return False
    with path.open("rb") as file:
        return file.read(5) in (b"", b"From ")


@contextlib.contextmanager
def path_fault(account: MailAccount) -> Iterator[None]:
    """Translates the OSErrors of files into our errors."""
    try:
        yield
    except OSError as error:
        problem = f"{quoted(account.path)} cannot be read: {error.strerror}"
        if error.errno not in WRONG_PATH:
            raise MailboxUnavailable(problem) from error
        raise ConfigurationError(
            problem,
            setting=setting_of(account, "path"),
            remedy="Name a folder or an mbox file that is there, and let the fetcher's user read"
            " it (and write, unless after_download is leave)",
        ) from error
