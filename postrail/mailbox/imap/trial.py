"""Tests an IMAP account step by step, as the fetcher would use it, without changing the mailbox.

The folder is opened by EXAMINE. Only SELECT tells whether messages may be marked; as it clears the
mark \\Recent, it follows only where no message has that mark.
"""

from __future__ import annotations

import contextlib
import imaplib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.imap.faults import connection_fault, numbers_missing, read_only_fault
from postrail.mailbox.imap.idle import can_idle
from postrail.mailbox.imap.listing import ImapListing
from postrail.mailbox.imap.session import ImapSession
from postrail.wire import timed_steps
from postrail.wire.connection_check import check_connection
from postrail.wire.dialogue_log import masked_in_errors
from postrail.wire.faults import server_of
from postrail.wire.login import LoginOf, secret_of
from postrail.wire.timed_steps import (
    Actions,
    Findings,
    ReadSoFar,
    Step,
    run_in_order,
    time_limit,
)

TOO_SLOW = "Try again later; ask the server's administrator what it is busy with"


def try_imap(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """Runs the steps, up to the first that fails."""
    if not (yield from check_connection(account, account.risks())):
        return
    session = ImapSession(account)
    trial = _ImapTrial(session, login, so_far)
    with contextlib.closing(session), time_limit(session.interrupt):
        for step in run_in_order(trial.actions()):
            yield step if step.ok else trial.explained(step)


class _ImapTrial:
    """A session that is opened step by step, for reading only."""

    def __init__(self, session: ImapSession, login: LoginOf, so_far: ReadSoFar | None) -> None:
        self._session = session
        self._account = session.account
        self._listing = ImapListing(session)
        self._login_of = login
        self._so_far = so_far
        self._opened: dict[bytes, Any] = {}

    def actions(self) -> Actions:
        """Returns the steps, from the server's capabilities to what follows a download."""
        return [
            ("capabilities", self._capabilities),
            ("login", self._try_login),
            ("folder", self._folder),
            ("messages", self._messages),
            ("to be fetched", self._to_be_fetched),
            ("new mail", self._new_mail),
            ("after download", self._after_download),
        ]

    def explained(self, step: Step) -> Step:
        """Returns the failed step; names the time limit where that ended it."""
        if not self._session.interrupted:
            return step
        seconds = timed_steps.TRIAL_SECONDS
        problem = f"{server_of(self._account)} was not done within {seconds:g} seconds"
        return replace(step, detail=problem, remedy=TOO_SLOW, setting="")

    def _capabilities(self) -> Findings:
        with connection_fault(self._account):
            self._session.connect()
            offered = self._session.client.capabilities()
            return Findings(" ".join(sorted(_text(capability) for capability in offered)))

    def _try_login(self) -> Findings:
        login = self._login_of()
        secret = secret_of(login)
        with masked_in_errors(secret), connection_fault(self._account):
            self._session.log_in(login, secret)
        return Findings(self._account.username)

    def _folder(self) -> Findings:
        with connection_fault(self._account):
            self._opened = self._session.examine()
        if b"UIDVALIDITY" not in self._opened:
            raise numbers_missing(self._account)
        self._session.uid_next = int(self._opened.get(b"UIDNEXT", 0))
        return Findings(f"{self._account.folder}, UIDVALIDITY {self._uid_validity}")

    @property
    def _uid_validity(self) -> int:
        return int(self._opened[b"UIDVALIDITY"])

    def _messages(self) -> Findings:
        return Findings(_counted(int(self._opened.get(b"EXISTS", 0))))

    def _to_be_fetched(self) -> Findings:
        last, words = self._start()
        with connection_fault(self._account):
            found = self._all_after(last)
        if self._account.only_after:
            words += f", only those received since {self._account.only_after}"
        if not found:
            return Findings(f"{words}: none is there now")
        limit = self._account.max_mails_per_poll
        each = f", at most {limit:,} in each poll" if limit else ""
        return Findings(f"{words}: {_counted(len(found))} from UID {found[0]} on{each}")

    def _start(self) -> tuple[int, str]:
        """Returns the UID after which the fetcher would go on, and the reason in words."""
        if self._so_far is None:
            return 0, "never read so far, so all messages"
        if self._so_far.uid_validity != self._uid_validity:
            before = self._so_far.uid_validity
            words = f"renumbered (UIDVALIDITY was {before}), so all messages"
            return 0, f"{words}; known ones are skipped"
        return self._so_far.last_uid, f"read up to UID {self._so_far.last_uid}"

    def _all_after(self, uid: int) -> list[int]:
        found: list[int] = []
        while more := self._listing.uids_after(found[-1] if found else uid):
            found += more
        return found

    def _new_mail(self) -> Findings:
        seconds = f"{self._account.poll_seconds:g} seconds"
        if not can_idle(self._session) and self._account.idle:
            advice = f"new mail is found by a poll every {seconds} only: poll_seconds changes that"
            return Findings("the server does not announce new mail (no IDLE)", advice)
        if self._account.idle and not self._account.max_mails_per_poll:
            return Findings(f"the server announces new mail at once (IDLE); a poll every {seconds}")
        return Findings(f"a poll every {seconds}")

    def _after_download(self) -> Findings:
        wanted = self._account.after_download
        if wanted == "leave":
            return Findings("messages stay as they are")
        with connection_fault(self._account):
            writable = self._writable()
            found = {"seen": self._marking, "remove": self._removing, "move": self._moving}[
                wanted
            ]()
        if writable is False:
            raise read_only_fault(self._account)
        if writable is None and not found.advice:
            return Findings(
                found.detail,
                "the right to do so was not tested, as that would clear the marks of new messages",
            )
        return found

    def _writable(self) -> bool | None:
        """Returns whether we may change the folder; None where asking would change it."""
        if int(self._opened.get(b"RECENT", 1)):
            return None
        try:
            self._session.client.select_folder(self._account.folder)
        except imaplib.IMAP4.readonly:
            return False
        return True

    def _marking(self) -> Findings:
        return Findings("messages are marked as seen")

    def _removing(self) -> Findings:
        if self._session.client.has_capability("UIDPLUS"):
            return Findings("messages are removed")
        return Findings(
            "messages are only marked as deleted, as the server lacks UIDPLUS",
            "let the mail server expunge them, or move them instead (after_download: move)",
        )

    def _moving(self) -> Findings:
        target = self._account.move_to
        there = (
            "is there"
            if self._session.client.folder_exists(target)
            else "is created when it is needed"
        )
        if self._session.client.has_capability("MOVE"):
            return Findings(f"messages are moved to {target!r}, which {there}")
        copied = f"the server lacks MOVE: messages are copied to {target!r}, which {there}; then"
        then = self._removing()
        return Findings(f"{copied} {then.detail}", then.advice)


def _counted(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages:,} messages"


def _text(capability: bytes) -> str:
    return capability.decode("ascii", "replace")
