"""A mailbox read by IMAP4rev1 (RFC 3501), through imapclient. Blocking: for threads."""

from __future__ import annotations

import contextlib
import imaplib
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from imapclient import DELETED, SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from postrail.configuration.models.mail_account import MailAccount, plain_login_allowed
from postrail.errors import PipelineError
from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from postrail.mailbox.dialogue_log import Dialogue, untold
from postrail.mailbox.faults import (
    plain_login_fault,
    plain_login_unwanted,
    setting_of,
    tls_context,
    words_of,
)
from postrail.mailbox.imap.dialogue_log import listen
from postrail.mailbox.imap.faults import (
    connection_fault,
    folder_fault,
    login_fault,
    numbers_missing,
    read_only_fault,
)
from postrail.mailbox.imap.memory_limits import BoundedAnswers
from postrail.mailbox.imap.tokens import log_in_with_token
from postrail.mailbox.login import Login, asked_for
from postrail.mailbox.spool import CHUNK_BYTES, spooled
from postrail.observe.log import log

logger = log(__name__)

# A search result is one line, and imaplib refuses lines of a million bytes.
SEARCH_WINDOW = 50_000
LISTED_AT_ONCE = 1000
# They are read one by one, so soon there should be a better list.
LISTED_WITHOUT_SIZES = 50
HEADER_MAX_BYTES = 1024 * 1024
# Connecting cannot be interrupted, so it must not delay the end of the process for long.
CONNECT_TIMEOUT_SECONDS = 10.0


class Removed(Exception):
    """Somebody has removed the mail since it was listed."""


class ImapMailbox:
    """The folder of a mail account, over one connection."""

    single_connection_polls = False

    def __init__(self, account: MailAccount, login: Login) -> None:
        self._account = account
        self._login = login
        self._dialogue = Dialogue(account.name)
        self._client: Any = None
        self._interrupted = False
        self._read_only = False
        self._uid_next = 0
        # What the server has promised of the folder that mails are moved to.
        self._move_to_exists = False

    def open(self) -> int:
        """Connects, logs in and selects the folder; returns its UIDVALIDITY.

        Raises ConfigurationError or MailboxUnavailable; both name the setting and the remedy.
        """
        try:
            # Before there is a connection that would wait for it.
            secret = self._login if isinstance(self._login, str) else asked_for(self._login)
            with untold(secret), connection_fault(self._account):
                self._client = self._connect()
                self._log_in(secret)
                selected = self._select()
        except PipelineError:
            self.close()
            raise
        self._uid_next = int(selected.get(b"UIDNEXT", 0))
        if b"UIDVALIDITY" not in selected:
            self.close()
            raise numbers_missing(self._account)
        return int(selected[b"UIDVALIDITY"])

    def _connect(self) -> Any:
        account = self._account
        timeout = SocketTimeout(
            connect=min(account.timeout_ms / 1000, CONNECT_TIMEOUT_SECONDS),
            read=account.timeout_ms / 1000,
        )
        context = None if account.encryption == "none" else tls_context(account)
        client = IMAPClient(
            account.host,
            account.port,
            ssl=account.encryption == "ssl",
            ssl_context=context,
            timeout=timeout,
        )
        # imapclient sets 5, which formats every literal for a log that nobody reads.
        client._imap.debug = 0
        BoundedAnswers(client._imap)
        if account.debug:
            listen(client._imap, self._dialogue)
        client.normalise_times = False
        # What has arrived may wait in a buffer, where poll() does not see it; see start_idle.
        client._poll_socket = lambda *_: [True]
        self._client = client
        if account.encryption == "starttls" or (
            account.encryption == "starttls_if_available" and client.has_capability("STARTTLS")
        ):
            client.starttls(context)
        elif account.encryption != "ssl" and not plain_login_allowed(account):
            raise plain_login_unwanted(account)
        if self._interrupted:
            self.interrupt()
        return client

    def _log_in(self, secret: str) -> None:
        self._dialogue.hide(secret)
        if not isinstance(self._login, str):
            log_in_with_token(self._client, self._account, self._login, secret)
            return
        if self._client.has_capability("LOGINDISABLED"):
            raise plain_login_fault(self._account)
        try:
            if secret.isascii() and self._account.username.isascii():
                self._client.login(self._account.username, secret)
            else:
                # LOGIN knows ASCII only; PLAIN is defined in UTF-8 (RFC 4616).
                self._client.plain_login(self._account.username, secret)
        except LoginError as error:
            raise login_fault(self._account, error) from error

    def _select(self) -> dict[bytes, Any]:
        with self._folder_faults():
            try:
                return dict(self._client.select_folder(self._account.folder))
            except imaplib.IMAP4.readonly:
                self._read_only = True
                return self._examine()

    def _examine(self) -> dict[bytes, Any]:
        with self._folder_faults():
            return dict(self._client.select_folder(self._account.folder, readonly=True))

    @contextlib.contextmanager
    def _folder_faults(self) -> Iterator[None]:
        try:
            yield
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise folder_fault(self._account, error, self._folders()) from error

    def _folders(self) -> list[str]:
        with contextlib.suppress(imaplib.IMAP4.error):
            return sorted(str(name) for _, _, name in self._client.list_folders())
        return []

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """The first mails with a UID above `uid`, with their sizes or fewer without."""
        with connection_fault(self._account):
            uids = self._uids_after(uid)
            if not uids and self._announced():
                # The server told of a mail with its answer, too late for the mail to be in it.
                uids = self._uids_after(uid)
            uids = uids[: LISTED_AT_ONCE if with_sizes else LISTED_WITHOUT_SIZES]
            sizes = self._sizes(uids) if with_sizes else {}
        return [ListedMail(found, sizes.get(found)) for found in uids]

    def held(self, last: int) -> list[ListedMail]:
        """All mails with a UID up to `last`."""
        found: list[int] = []
        with connection_fault(self._account):
            for first in range(1, last + 1, SEARCH_WINDOW):
                window = range(first, min(first + SEARCH_WINDOW, last + 1))
                # RFC 3501, 6.4.8: a range that ends above all UIDs names the last mail too.
                uids = self._search("UID", f"{window[0]}:{window[-1]}", *self._wanted())
                found += [uid for uid in uids if uid in window]
        return [ListedMail(uid, None) for uid in found]

    def _uids_after(self, uid: int) -> list[int]:
        self._client._imap.untagged_responses.pop("EXISTS", None)
        while self._uid_next - uid > SEARCH_WINDOW:
            if found := self._search("UID", f"{uid + 1}:{uid + SEARCH_WINDOW}", *self._wanted()):
                return found
            uid += SEARCH_WINDOW
        # RFC 3501, 6.4.8: `n:*` names the last mail even if its UID is below n.
        found = self._search("UID", f"{uid + 1}:*", *self._wanted())
        return [above for above in found if above > uid]

    def _search(self, *criteria: str | date) -> list[int]:
        return sorted(self._client.search(list(criteria)))

    def _wanted(self) -> tuple[str | date, ...]:
        """What the account narrows the listing to (RFC 3501, 6.4.4: SINCE names a whole day)."""
        return ("SINCE", self._account.only_after) if self._account.only_after else ()

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        """The sizes of the mails; empty when the server stumbles over one of them."""
        try:
            answer = self._client.fetch(uids, ["RFC822.SIZE"])
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return {}
        sizes = {uid: data.get(b"RFC822.SIZE") for uid, data in answer.items()}
        return {uid: size for uid, size in sizes.items() if isinstance(size, int)}

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """These mails, in order, by BODY.PEEK[], which leaves \\Seen as it is."""
        answer = self._fetch(list(uids), ["BODY.PEEK[]", "INTERNALDATE"])
        return [_read_mail(uid, answer[uid]) for uid in uids if uid in answer]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """The mail piece by piece, by BODY.PEEK[]<start.length> (RFC 3501, 6.4.5)."""
        try:
            found = self._said_of(mail.uid, ["INTERNALDATE"])
            spool = spooled(self._pieces(mail))
        except Removed:
            return None
        return ReadMail(mail.uid, b"", _utc(found.get(b"INTERNALDATE")), spool=spool)

    def _pieces(self, mail: ListedMail) -> Iterator[bytes]:
        """Up to the mail's end. A short piece is none yet where less has come than was listed."""
        start = 0
        while True:
            item = f"BODY.PEEK[]<{start}.{CHUNK_BYTES}>"
            piece = _piece(self._said_of(mail.uid, [item]), start)
            yield piece
            start += len(piece)
            short = len(piece) < CHUNK_BYTES and start >= (mail.size or 0)
            if short or not piece or len(piece) > CHUNK_BYTES:
                return

    def _said_of(self, uid: int, items: list[str]) -> dict[bytes, Any]:
        """What the server says of a mail; raises Removed when it is there no more."""
        answer = self._fetch([uid], items)
        if uid not in answer:
            raise Removed
        return answer[uid]

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """The mail's header, or a MiB of it, by BODY.PEEK[HEADER]."""
        item = f"BODY.PEEK[HEADER]<0.{HEADER_MAX_BYTES}>"
        answer = self._fetch([mail.uid], [item, "INTERNALDATE"])
        if mail.uid not in answer:
            return None
        return _read_mail(mail.uid, answer[mail.uid], b"BODY[HEADER]<0>", full_size=mail.size)

    def _fetch(self, uids: list[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        with connection_fault(self._account):
            try:
                return dict(self._client.fetch(uids, items))
            except imaplib.IMAP4.abort:
                raise
            except (imaplib.IMAP4.error, ValueError) as error:
                raise MailUnreadable(f"the mail server does not give it out: {error}") from error

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """The mails from `first` to `last` that were not marked, removed or moved."""
        if self._account.after_download == "leave":
            return []
        with connection_fault(self._account):
            found = self._search("UID", f"{first}:{last}", self._untouched())
        return [ListedMail(uid, None) for uid in found if first <= uid <= last]

    def _untouched(self) -> str:
        if self._account.after_download == "seen":
            return "UNSEEN"
        # Who can expunge was cut off before that, where a mail is only marked.
        return "ALL" if self._client.has_capability("UIDPLUS") else "UNDELETED"

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks, removes or moves; raises MailUnreadable when we may only read the folder."""
        if self._account.after_download == "leave":
            return True
        if self._read_only:
            raise read_only_fault(self._account)
        with connection_fault(self._account):
            try:
                self._finish(list(uids))
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                wanted = self._account.after_download
                raise MailUnreadable(
                    f"the mail server refuses {wanted!r}: {words_of(error)}",
                    setting=setting_of(self._account, "after_download, move_to"),
                    remedy="Give the account the right to do so, or change after_download",
                ) from error
        return True

    def _finish(self, uids: list[int]) -> None:
        match self._account.after_download:
            case "seen":
                self._client.add_flags(uids, [SEEN], silent=True)
            case "remove":
                self._remove(uids)
            case "move":
                self._move(uids)

    def _remove(self, uids: list[int]) -> None:
        """Removes these mails, and never those that other programs have marked as deleted."""
        self._client.add_flags(uids, [DELETED], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)
        else:
            # RFC 4315, 1: a plain EXPUNGE, and CLOSE too, would remove what others have marked.
            logger.info(
                "mails are only marked as deleted, as the server lacks UIDPLUS",
                mailbox=self._account.name,
                uids=uids,
            )

    def _move(self, uids: list[int]) -> None:
        target = self._account.move_to
        self._make_folder(target)
        try:
            self._move_to(target, uids)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            if self._client.folder_exists(target):
                raise
            # A person has removed it since.
            self._move_to_exists = False
            self._make_folder(target)
            self._move_to(target, uids)

    def _move_to(self, target: str, uids: list[int]) -> None:
        if self._client.has_capability("MOVE"):
            self._client.move(uids, target)
        else:
            # Killed in between, it copies once more: two copies are better than none.
            self._client.copy(uids, target)
            self._remove(uids)

    def _make_folder(self, name: str) -> None:
        if not self._move_to_exists:
            if not self._client.folder_exists(name):
                self._client.create_folder(name)
                self._client.subscribe_folder(name)
            self._move_to_exists = True

    def rest(self) -> None:
        """The connection stays: it is where the server tells of new mail."""

    @property
    def can_idle(self) -> bool:
        """Whether the server offers IDLE (RFC 2177)."""
        return bool(self._client.has_capability("IDLE"))

    def start_idle(self) -> bool:
        """Sends IDLE; False when new mail was announced since the last listing.

        A server announces a mail once: with the answer to whatever we asked last, before or
        right after it agrees to idle. All three are looked at, so that no announcement is missed.
        """
        with connection_fault(self._account):
            if self._announced():
                return False
            self._send_idle()
            if not self._announced() and not self._client.idle_check(timeout=0):
                return True
        self.stop_idle()
        return False

    def _announced(self) -> bool:
        return "EXISTS" in self._client._imap.untagged_responses

    def _send_idle(self) -> None:
        """As imapclient's idle(), which stumbles over an announcement before the go-ahead."""
        imap = self._client._imap
        self._client._idle_tag = tag = imap._command("IDLE")
        while imap._get_response() is not None:
            if imap.tagged_commands[tag]:
                raise MailboxUnavailable(
                    f"{self._account.host} refused to idle: {imap.tagged_commands[tag]}"
                )

    def stop_idle(self) -> None:
        """Sends DONE and waits for the answer."""
        with connection_fault(self._account):
            self._client.idle_done()

    def fileno(self) -> int:
        """The connection's socket."""
        return int(self._client.socket().fileno())

    def interrupt(self) -> None:
        """Shuts the socket down under whatever reads from it."""
        self._interrupted = True
        if self._client is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown, which changes the object that the other thread uses.
                socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def close(self) -> None:
        """Logs out where that is still possible, and releases the socket."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            if not self._interrupted:
                client.logout()
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.shutdown()


def _read_mail(
    uid: int, data: dict[bytes, Any], item: bytes = b"BODY[]", full_size: int | None = None
) -> ReadMail:
    content = data.get(item)
    if not isinstance(content, bytes):
        raise MailUnreadable("the mail server gives out no content for it")
    return ReadMail(uid, content, _utc(data.get(b"INTERNALDATE")), full_size=full_size)


def _piece(data: dict[bytes, Any], start: int) -> bytes:
    """The bytes from `start` on; a server that knows no pieces gives the whole mail at once."""
    whole = data.get(b"BODY[]")
    if isinstance(whole, bytes):
        return whole[start:]
    piece = data.get(b"BODY[]<%d>" % start)
    if not isinstance(piece, bytes):
        raise MailUnreadable("the mail server gives out no content for it")
    return piece


def _utc(internal_date: datetime | None) -> datetime | None:
    try:
        return internal_date.astimezone(UTC) if internal_date else None
    except OverflowError:
        # The last hours of the year 9999, in a zone west of Greenwich.
        return None
