"""Marks, removes or moves messages after their download, as the account asks."""

from __future__ import annotations

import imaplib
from collections.abc import Sequence

from imapclient import DELETED, SEEN

from postrail.mailbox import MailUnreadable
from postrail.mailbox.imap.faults import connection_fault, read_only_fault
from postrail.mailbox.imap.session import ImapSession
from postrail.observe.log import log
from postrail.wire.faults import setting_of, words_of

logger = log(__name__)


class AfterDownload:
    """Changes the folder of an open session."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._account = session.account
        self._move_to_exists = False

    def unfinished_criterion(self) -> str:
        """Returns the criterion of SEARCH for messages that were not finished yet."""
        if self._account.after_download == "seen":
            return "UNSEEN"
        # With UIDPLUS a marked message was to be expunged, and the connection broke before that.
        return "ALL" if self._session.client.has_capability("UIDPLUS") else "UNDELETED"

    def finish(self, uids: Sequence[int]) -> None:
        """Marks, removes or moves; raises MailUnreadable when the server does not allow it."""
        if self._session.read_only:
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

    def _finish(self, uids: list[int]) -> None:
        match self._account.after_download:
            case "seen":
                self._session.client.add_flags(uids, [SEEN], silent=True)
            case "remove":
                self._remove(uids)
            case "move":
                self._move(uids)

    def _remove(self, uids: list[int]) -> None:
        """Removes these messages, and never those that other programs have marked as deleted."""
        self._session.client.add_flags(uids, [DELETED], silent=True)
        if self._session.client.has_capability("UIDPLUS"):
            self._session.client.uid_expunge(uids)
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
            if self._session.client.folder_exists(target):
                raise
            # A person has removed the folder since it was made.
            self._move_to_exists = False
            self._make_folder(target)
            self._move_to(target, uids)

    def _move_to(self, target: str, uids: list[int]) -> None:
        if self._session.client.has_capability("MOVE"):
            self._session.client.move(uids, target)
        else:
            # A process killed in between copies once more: two copies are better than none.
            self._session.client.copy(uids, target)
            self._remove(uids)

    def _make_folder(self, name: str) -> None:
        if not self._move_to_exists:
            client = self._session.client
            if not client.folder_exists(name):
                client.create_folder(name)
                client.subscribe_folder(name)
            self._move_to_exists = True
