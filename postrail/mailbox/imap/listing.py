"""Lists the UIDs and sizes of a selected folder, by windows that keep each answer short."""

from __future__ import annotations

import imaplib
from datetime import date

from postrail.mailbox import ListedMail
from postrail.mailbox.imap.faults import connection_fault
from postrail.mailbox.imap.session import ImapSession
from postrail.mailbox.limits import LISTED_AT_ONCE, LISTED_WITHOUT_SIZES

# A search result is one line, and imaplib refuses lines of a million bytes.
SEARCH_WINDOW = 50_000


class ImapListing:
    """Searches the folder of an open session."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._account = session.account

    def list_after(self, uid: int, *, with_sizes: bool) -> list[ListedMail]:
        """Lists the first messages with a UID above `uid`; fewer of them without sizes."""
        with connection_fault(self._account):
            uids = self.uids_after(uid)
            if not uids and self._session.client.new_mail_announced:
                # The server announced a message with its answer, which does not list it yet.
                uids = self.uids_after(uid)
            uids = uids[: LISTED_AT_ONCE if with_sizes else LISTED_WITHOUT_SIZES]
            sizes = self._sizes(uids) if with_sizes else {}
        return [ListedMail(found, sizes.get(found)) for found in uids]

    def held(self, last: int) -> list[ListedMail]:
        """Lists all messages with a UID up to `last`."""
        found: list[int] = []
        with connection_fault(self._account):
            for first in range(1, last + 1, SEARCH_WINDOW):
                window = range(first, min(first + SEARCH_WINDOW, last + 1))
                # RFC 3501, 6.4.8: a range that ends above all UIDs names the last message too.
                uids = self._search("UID", f"{window[0]}:{window[-1]}", *self._only_after())
                found += [uid for uid in uids if uid in window]
        return [ListedMail(uid, None) for uid in found]

    def between(self, first: int, last: int, criterion: str) -> list[ListedMail]:
        """Lists the messages from `first` to `last` that meet a criterion of SEARCH."""
        with connection_fault(self._account):
            found = self._search("UID", f"{first}:{last}", criterion)
        return [ListedMail(uid, None) for uid in found if first <= uid <= last]

    def uids_after(self, uid: int) -> list[int]:
        """Returns the first UIDs above `uid`; the caller translates the faults."""
        self._session.client.forget_announcements()
        while self._session.uid_next - uid > SEARCH_WINDOW:
            window = f"{uid + 1}:{uid + SEARCH_WINDOW}"
            if found := self._search("UID", window, *self._only_after()):
                return found
            uid += SEARCH_WINDOW
        # RFC 3501, 6.4.8: `n:*` names the last message even if its UID is below n.
        found = self._search("UID", f"{uid + 1}:*", *self._only_after())
        return [above for above in found if above > uid]

    def _search(self, *criteria: str | date) -> list[int]:
        return sorted(self._session.client.search(list(criteria)))

    def _only_after(self) -> tuple[str | date, ...]:
        """Returns the account's first day as a criterion (RFC 3501, 6.4.4: a whole day)."""
        return ("SINCE", self._account.only_after) if self._account.only_after else ()

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        """Returns the sizes; empty when the server fails over one of the messages."""
        try:
            answer = self._session.client.fetch(uids, ["RFC822.SIZE"])
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return {}
        sizes = {uid: data.get(b"RFC822.SIZE") for uid, data in answer.items()}
        return {uid: size for uid, size in sizes.items() if isinstance(size, int)}
