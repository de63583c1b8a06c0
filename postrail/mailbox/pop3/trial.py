"""Tries a POP3 account out, step by step; the session ends without having removed anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.check.connection import reach
from postrail.mailbox.check.timed_steps import (
    Found,
    ReadSoFar,
    Step,
    Steps,
    broken_off_after,
    in_order,
)
from postrail.mailbox.ledger import PassingLedger
from postrail.mailbox.login import LoginOf
from postrail.mailbox.pop3.dialogue import Refused
from postrail.mailbox.pop3.faults import connection_fault
from postrail.mailbox.pop3.mailbox import Pop3Mailbox


def try_pop3(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """All steps, up to the first that fails. What was read so far is not of this session."""
    if not (yield from reach(account)):
        return
    tried = _Tried(account, login)
    with contextlib.closing(tried), broken_off_after(tried.interrupt):
        yield from in_order(tried.steps())


class _Tried:
    """The mailbox in one session, asked for what there is only."""

    def __init__(self, account: MailAccount, login: LoginOf) -> None:
        self._account = account
        self._login_of = login
        self._mailbox: Pop3Mailbox | None = None

    def interrupt(self) -> None:
        """Breaks the session off."""
        if self._mailbox is not None:
            self._mailbox.interrupt()

    def close(self) -> None:
        """Ends the session."""
        if self._mailbox is not None:
            self._mailbox.close()

    def steps(self) -> Steps:
        """From the login to what would become of a mail."""
        return [
            ("login", self._login),
            ("mails", self._mails),
            ("to be fetched", self._to_be_fetched),
            ("news", self._news),
            ("after download", self._after_download),
        ]

    def _login(self) -> Found:
        self._mailbox = Pop3Mailbox(self._account, self._login_of(), PassingLedger())
        self._mailbox.open()
        return Found(self._account.username)

    def _mails(self) -> Found:
        assert self._mailbox is not None
        with connection_fault(self._account):
            number, size = self._mailbox.stat()
        return Found(f"{number:,} mail{'s' if number != 1 else ''}, {size:,} bytes")

    def _to_be_fetched(self) -> Found:
        assert self._mailbox is not None
        with connection_fault(self._account):
            try:
                self._mailbox.unique_ids()
            except Refused:
                return Found(
                    "all mails are read at each look: the server gives no unique ids (UIDL)",
                    "let mails be removed after their download (after_download: remove)",
                )
        return Found("mails whose unique ids are not known yet")

    def _news(self) -> Found:
        return Found(f"a look each {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Found:
        if self._account.after_download == "remove":
            return Found("mails are removed when the session ends")
        return Found("mails stay as they are")
