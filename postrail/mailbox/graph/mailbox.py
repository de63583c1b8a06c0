"""Reads a mailbox of Microsoft 365 through Microsoft Graph. Blocking: for threads.

Exchange allows an application four concurrent requests to a mailbox, over all its processes. One
process at a time watches a mailbox, by one request at a time; by two while the mailbox is taken
over from a process that was paused. The sender makes one more.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import timedelta

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.graph_limits.shared import TakeRequest
from postrail.mailbox import KnownFields, ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from postrail.mailbox.graph.delta import Deltas
from postrail.mailbox.graph.faults import NotAllowed, NotThere, Refused, may_not_change, not_allowed
from postrail.mailbox.graph.folders import find_or_create_folder, folder_of
from postrail.mailbox.graph.http import GraphClient, header_in
from postrail.mailbox.graph.known_fields import known_fields
from postrail.mailbox.graph.listing import Entry, GraphListing
from postrail.mailbox.ledger import OUR_NUMBERS, Ledger
from postrail.mailbox.spool import spooled
from postrail.oauth import BearerToken
from postrail.wire.faults import setting_of
from postrail.wire.graph import segment

FULL_LISTING_SECONDS = 3600.0
# Messages are read one by one; a pause that Graph asks for discards the current batch.
LISTED_AT_ONCE = 20
# Exchange reports the size in its store, where attachments are not in base64.
GROWTH = 2
# A batch of the fetcher has 4 MiB: a message beyond this is larger than Exchange reported.
IN_MEMORY_BYTES = 16 * 1024 * 1024


class GraphMailbox:
    """The folder of a mail account, by independent requests."""

    single_connection_polls = False
    uid_next = 0

    def __init__(
        self,
        account: MailAccount,
        token: BearerToken,
        *,
        ledger: Ledger,
        deltas: Deltas,
        clock: Clock,
        full_listing_seconds: float = FULL_LISTING_SECONDS,
        take_request: TakeRequest | None = None,
    ) -> None:
        """Calls `take_request` before each request; it raises when Graph's limits are reached."""
        self._account = account
        self._client = GraphClient(account, token, take_request)
        self._listing = GraphListing(
            client=self._client,
            account=account,
            ledger=ledger,
            deltas=deltas,
            clock=clock,
            full_listing=timedelta(seconds=full_listing_seconds),
        )
        self._folder = ""
        self._target = ""
        self._highest_read = 0
        # Of messages that Graph lists and cannot send.
        self._known: dict[int, KnownFields] = {}

    def open(self) -> int:
        """Finds the folder; raises ConfigurationError or MailboxUnavailable with the remedy."""
        self._client.connect()
        try:
            self._folder = folder_of(self._client, self._account)
        except PipelineError:
            self.close()
            raise
        self._listing.begin(self._folder)
        return OUR_NUMBERS

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        """Lists the first messages above `uid`."""
        if uid >= self._highest_read:
            # A lower number is asked for while the messages above it are not recorded yet.
            self._listing.save(uid)
        found = self._listing.above(uid)[:LISTED_AT_ONCE]
        return [
            ListedMail(entry.number, entry.size if with_sizes else None, entry.key)
            for entry in found
        ]

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages up to `last`, and those that delta should have reported by now."""
        return [ListedMail(entry.number, None, entry.key) for entry in self._listing.held(last)]

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages by their MIME content, which Exchange generates each time.

        It reads a message also after it was moved to another folder.
        """
        self._highest_read = max(self._highest_read, *uids)
        found = [self._read_one(uid, self._read) for uid in uids]
        return [mail for mail in found if mail is not None]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads the MIME content to disk, chunk by chunk."""
        self._highest_read = max(self._highest_read, mail.uid)
        return self._read_one(mail.uid, self._read_to_spool)

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header, and ends the download there."""
        self._highest_read = max(self._highest_read, mail.uid)

        def read(entry: Entry) -> ReadMail:
            with self._client.content(_content_of(entry)) as chunks:
                content = header_in(chunks)
            return ReadMail(
                entry.number, content, entry.received_at, entry.key, full_size=mail.size
            )

        return self._read_one(mail.uid, read)

    def _read_one(self, uid: int, read: Callable[[Entry], ReadMail]) -> ReadMail | None:
        """Returns what `read` returns for a message; None when it is gone."""
        entry = self._listing.get(uid)
        if entry is None:
            return None
        try:
            return read(entry)
        except NotThere as error:
            self._forget(entry, error)
            return None
        except NotAllowed as error:
            raise not_allowed(self._account, error, "Mail.Read") from error
        except Refused as error:
            # A temporary fault makes the mailbox unavailable; whether it is one message's fault,
            # the fetcher finds out by reading it alone.
            if not error.is_final:
                raise
            raise self._unreadable(entry, error) from error

    def _forget(self, entry: Entry, error: NotThere) -> None:
        if not error.is_item:
            raise error
        self._listing.drop(entry.number)

    def _unreadable(self, entry: Entry, error: Refused) -> MailUnreadable:
        known = self._known_fields(entry) if error.conversion_failed else None
        return MailUnreadable(f"Microsoft Graph does not send it: {error.problem}", known=known)

    def _known_fields(self, entry: Entry) -> KnownFields:
        """Returns what Graph tells of a message whose MIME content it cannot make."""
        if entry.number not in self._known:
            try:
                query = {"$select": "subject,from,internetMessageId"}
                found = self._client.get(f"messages/{segment(entry.id)}", query)
            except Refused:
                found = {}
            self._known[entry.number] = known_fields(found, entry.received_at)
        return self._known[entry.number]

    def _read(self, entry: Entry) -> ReadMail:
        content = bytearray()
        with contextlib.closing(self._chunks(entry)) as chunks:
            for chunk in chunks:
                content += chunk
                if len(content) > IN_MEMORY_BYTES:
                    # Larger than reported: the chunks so far go to disk with the rest.
                    return _on_disk(entry, itertools.chain([bytes(content)], chunks))
        return ReadMail(entry.number, bytes(content), entry.received_at, entry.key)

    def _read_to_spool(self, entry: Entry) -> ReadMail:
        with contextlib.closing(self._chunks(entry)) as chunks:
            return _on_disk(entry, chunks)

    def _chunks(self, entry: Entry) -> Generator[bytes, None, None]:
        most, size = self._account.max_message_bytes * GROWTH, 0
        with self._client.content(_content_of(entry)) as chunks:
            for chunk in chunks:
                yield chunk
                size += len(chunk)
                if 0 < most < size:
                    raise MailUnreadable(
                        f"it is larger than {most} bytes, although Exchange reported {entry.size}",
                        setting=setting_of(self._account, "max_message_bytes"),
                    )

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that `finish` has not changed yet."""
        if self._account.after_download == "leave":
            return []
        return [
            ListedMail(entry.number, entry.size, entry.key)
            for entry in self._listing.between(first, last)
            if self._is_unfinished(entry)
        ]

    def _is_unfinished(self, entry: Entry) -> bool:
        """Returns whether it is unfinished; False for a message that Graph refuses to show."""
        try:
            return self._is_unchanged(entry)
        except NotAllowed as error:
            raise not_allowed(self._account, error, "Mail.Read") from error
        except Refused as error:
            if isinstance(error, NotThere) or not error.is_final:
                raise
            return False

    def _is_unchanged(self, entry: Entry) -> bool:
        try:
            query = {"$select": "isRead,parentFolderId"}
            mail = self._client.get(f"messages/{segment(entry.id)}", query)
        except NotThere as error:
            self._forget(entry, error)
            return False
        if mail.get("parentFolderId") != self._folder:
            return False
        return self._account.after_download != "seen" or not mail.get("isRead")

    def finish(self, uids: Sequence[int]) -> bool:
        """Marks as read, deletes or moves; raises MailUnreadable when we may only read."""
        done = {"seen": self._mark, "remove": self._remove, "move": self._move}
        action = done.get(self._account.after_download)
        if action is None:
            return True
        entries = filter(None, map(self._listing.get, uids))
        # The others are finished also when one is refused.
        refused = [error for entry in entries if (error := self._refused(entry, action))]
        if refused:
            raise MailUnreadable(
                f"Microsoft Graph refuses {self._account.after_download!r}: {refused[0].problem}",
                setting=setting_of(self._account, "after_download, move_to"),
            ) from refused[0]
        return True

    def _refused(self, entry: Entry, action: Callable[[Entry], None]) -> Refused | None:
        try:
            self._finish(entry, action)
        except NotAllowed as error:
            raise may_not_change(self._account, error) from error
        except Refused as error:
            if not error.is_final:
                raise
            return error
        return None

    def _finish(self, entry: Entry, action: Callable[[Entry], None]) -> None:
        # A person may have moved the mail: it stays where the person has put it.
        if self._account.after_download != "seen" and not self._is_unchanged(entry):
            return
        try:
            action(entry)
        except NotThere as error:
            self._forget(entry, error)

    def _mark(self, entry: Entry) -> None:
        self._client.send("PATCH", f"messages/{segment(entry.id)}", {"isRead": True})

    def _remove(self, entry: Entry) -> None:
        """Moves it to the deleted items, where Exchange keeps it for a while."""
        self._client.send("DELETE", f"messages/{segment(entry.id)}")

    def _move(self, entry: Entry) -> None:
        try:
            self._move_to_target(entry)
        except NotThere:
            # The target folder may be gone: it is found, or created, again.
            self._target = ""
            self._move_to_target(entry)

    def _move_to_target(self, entry: Entry) -> None:
        if not self._target:
            self._target = find_or_create_folder(self._client, self._account.move_to)
        place, body = f"messages/{segment(entry.id)}/move", {"DestinationId": self._target}
        self._client.send("POST", place, body)

    def rest(self) -> None:
        """Does nothing: no request locks the mailbox."""

    @property
    def can_idle(self) -> bool:
        """Returns False: Graph announces new mail only by calling a public address."""
        return False

    def start_idle(self) -> bool:
        """Returns False, as `can_idle` does."""
        return False

    def stop_idle(self) -> None:
        """Does nothing."""

    def fileno(self) -> int:
        """Raises MailboxUnavailable, as there is no connection to wait on."""
        raise MailboxUnavailable("Microsoft Graph has no connection to wait on")

    def interrupt(self) -> None:
        """Ends the request that is running, and allows no other."""
        self._client.interrupt()

    def close(self) -> None:
        """Releases the connection."""
        self._client.close()


def _on_disk(entry: Entry, chunks: Iterable[bytes]) -> ReadMail:
    return ReadMail(entry.number, b"", entry.received_at, entry.key, spool=spooled(chunks))


def _content_of(entry: Entry) -> str:
    return f"messages/{segment(entry.id)}/$value"
