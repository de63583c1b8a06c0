"""Tries an IMAP account out, step by step, as the fetcher would use it; the mailbox stays as it is.

The folder is opened by EXAMINE. A SELECT, which alone tells whether mails may be marked, follows
only where it changes nothing: it takes the mark \\Recent away, so there must be none.
"""

from __future__ import annotations

import contextlib
import imaplib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.check import timed_steps as steps
from postrail.mailbox.check.connection import reach
from postrail.mailbox.check.timed_steps import (
    Found,
    ReadSoFar,
    Step,
    Steps,
    broken_off_after,
    in_order,
)
from postrail.mailbox.dialogue_log import untold
from postrail.mailbox.faults import server_of
from postrail.mailbox.imap.faults import connection_fault, numbers_missing, read_only_fault
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.login import LoginOf, asked_for

TOO_SLOW = "Try again later; ask the server's administrator what it is busy with"


def try_imap(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """All steps, up to the first that fails."""
    if not (yield from reach(account)):
        return
    with (
        contextlib.closing(_TriedMailbox(account, login, so_far)) as mailbox,
        broken_off_after(mailbox.interrupt),
    ):
        for step in in_order(mailbox.steps()):
            yield step if step.ok else mailbox.explained(step)


class _TriedMailbox(ImapMailbox):
    """The mailbox, opened piece by piece, for reading only."""

    def __init__(self, account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> None:
        super().__init__(account, "")
        self._login_of = login
        self._so_far = so_far
        self._opened: dict[bytes, Any] = {}

    def steps(self) -> Steps:
        """From what the server can do to what would become of a mail."""
        return [
            ("capabilities", self._capabilities),
            ("login", self._try_login),
            ("folder", self._folder),
            ("mails", self._mails),
            ("to be fetched", self._to_be_fetched),
            ("news", self._news),
            ("after download", self._after_download),
        ]

    def explained(self, step: Step) -> Step:
        """The step that failed, unless it was we who broke off."""
        if not self._interrupted:
            return step
        problem = f"{server_of(self._account)} was not done within {steps.TRIAL_SECONDS:g} seconds"
        return replace(step, detail=problem, remedy=TOO_SLOW, setting="")

    def _capabilities(self) -> Found:
        with connection_fault(self._account):
            self._connect()
            return Found(" ".join(sorted(_text(one) for one in self._client.capabilities())))

    def _try_login(self) -> Found:
        self._login = self._login_of()
        secret = self._login if isinstance(self._login, str) else asked_for(self._login)
        with untold(secret), connection_fault(self._account):
            self._log_in(secret)
        return Found(self._account.username)

    def _folder(self) -> Found:
        with connection_fault(self._account):
            self._opened = self._examine()
        if b"UIDVALIDITY" not in self._opened:
            raise numbers_missing(self._account)
        self._uid_next = int(self._opened.get(b"UIDNEXT", 0))
        return Found(f"{self._account.folder}, UIDVALIDITY {self._uid_validity}")

    @property
    def _uid_validity(self) -> int:
        return int(self._opened[b"UIDVALIDITY"])

    def _mails(self) -> Found:
        return Found(_counted(int(self._opened.get(b"EXISTS", 0))))

    def _to_be_fetched(self) -> Found:
        last, words = self._start()
        with connection_fault(self._account):
            found = self._all_after(last)
        if self._account.only_after:
            words += f", none that came before {self._account.only_after}"
        if not found:
            return Found(f"{words}: nothing is there now")
        limit = self._account.max_mails_per_poll
        each = f", at most {limit:,} in each poll" if limit else ""
        return Found(f"{words}: {_counted(len(found))} from UID {found[0]} on{each}")

    def _start(self) -> tuple[int, str]:
        """The UID after which the fetcher would go on, and why there."""
        if self._so_far is None:
            return 0, "never read so far, so all mails"
        if self._so_far.uid_validity != self._uid_validity:
            before = self._so_far.uid_validity
            return 0, f"numbered anew (UIDVALIDITY was {before}), so all mails; known ones are told"
        return self._so_far.last_uid, f"read up to UID {self._so_far.last_uid}"

    def _all_after(self, uid: int) -> list[int]:
        found: list[int] = []
        while more := self._uids_after(found[-1] if found else uid):
            found += more
        return found

    def _news(self) -> Found:
        seconds = f"{self._account.poll_seconds:g} seconds"
        if not self.can_idle and self._account.idle:
            advice = f"new mail is seen with a poll only, each {seconds}: poll_seconds changes that"
            return Found("the server does not tell of new mail (no IDLE)", advice)
        if self._account.idle and not self._account.max_mails_per_poll:
            return Found(f"the server tells of new mail at once (IDLE); a look each {seconds}")
        return Found(f"a look each {seconds}")

    def _after_download(self) -> Found:
        wanted = self._account.after_download
        if wanted == "leave":
            return Found("mails stay as they are")
        with connection_fault(self._account):
            writable = self._writable()
            found = {"seen": self._marking, "remove": self._removing, "move": self._moving}[
                wanted
            ]()
        if writable is False:
            raise read_only_fault(self._account)
        if writable is None and not found.advice:
            return Found(
                found.detail,
                "whether we may do so was not tried, as that would take marks of new mails away",
            )
        return found

    def _writable(self) -> bool | None:
        """Whether we may change the folder; None where asking would change it."""
        if int(self._opened.get(b"RECENT", 1)):
            return None
        try:
            self._client.select_folder(self._account.folder)
        except imaplib.IMAP4.readonly:
            return False
        return True

    def _marking(self) -> Found:
        return Found("mails are marked as seen")

    def _removing(self) -> Found:
        if self._client.has_capability("UIDPLUS"):
            return Found("mails are removed")
        return Found(
            "mails are only marked as deleted, as the server lacks UIDPLUS",
            "let the mail server expunge them, or move them instead (after_download: move)",
        )

    def _moving(self) -> Found:
        target = self._account.move_to
        there = "is there" if self._client.folder_exists(target) else "is made when it is needed"
        if self._client.has_capability("MOVE"):
            return Found(f"mails are moved to {target!r}, which {there}")
        copied = f"the server lacks MOVE: mails are copied to {target!r}, which {there}; then"
        then = self._removing()
        return Found(f"{copied} {then.detail}", then.advice)


def _counted(mails: int) -> str:
    return "1 mail" if mails == 1 else f"{mails:,} mails"


def _text(capability: bytes) -> str:
    return capability.decode("ascii", "replace")
