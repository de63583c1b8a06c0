"""Tests a POP3 account step by step, without removing any message."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.ledger import PassingLedger
from postrail.mailbox.pop3.dialogue import Refused
from postrail.mailbox.pop3.faults import connection_fault
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.wire.connection_check import check_connection
from postrail.wire.login import LoginOf
from postrail.wire.timed_steps import (
    Actions,
    Findings,
    ReadSoFar,
    Step,
    run_in_order,
    time_limit,
)


def try_pop3(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """Runs the steps, up to the first that fails; POP3 has no use for `so_far`."""
    if not (yield from check_connection(account, account.risks())):
        return
    trial = _Pop3Trial(account, login)
    with contextlib.closing(trial), time_limit(trial.interrupt):
        yield from run_in_order(trial.actions())


class _Pop3Trial:
    """One session, in which the mailbox is only queried."""

    def __init__(self, account: MailAccount, login: LoginOf) -> None:
        self._account = account
        self._login_of = login
        self._mailbox: Pop3Mailbox | None = None

    def interrupt(self) -> None:
        """Breaks off the session."""
        if self._mailbox is not None:
            self._mailbox.interrupt()

    def close(self) -> None:
        """Ends the session."""
        if self._mailbox is not None:
            self._mailbox.close()

    def actions(self) -> Actions:
        """Returns the steps, from the login to what follows a download."""
        return [
            ("login", self._login),
            ("messages", self._messages),
            ("to be fetched", self._to_be_fetched),
            ("new mail", self._new_mail),
            ("after download", self._after_download),
        ]

    def _login(self) -> Findings:
        self._mailbox = Pop3Mailbox(self._account, self._login_of(), PassingLedger())
        self._mailbox.open()
        return Findings(self._account.username)

    def _messages(self) -> Findings:
        assert self._mailbox is not None
        with connection_fault(self._account):
            number, size = self._mailbox.stat()
        return Findings(f"{number:,} message{'s' if number != 1 else ''}, {size:,} bytes")

    def _to_be_fetched(self) -> Findings:
        assert self._mailbox is not None
        with connection_fault(self._account):
            try:
                self._mailbox.unique_ids()
            except Refused:
                return Findings(
                    "all messages are read at each poll: the server gives no unique ids (UIDL)",
                    "let messages be removed after their download (after_download: remove)",
                )
        return Findings("messages whose unique ids are not known yet")

    def _new_mail(self) -> Findings:
        return Findings(f"a poll every {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Findings:
        if self._account.after_download == "remove":
            return Findings("messages are removed when the session ends")
        return Findings("messages stay as they are")
