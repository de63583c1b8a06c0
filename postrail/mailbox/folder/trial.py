"""Tries out an account that reads files of this machine, step by step; nothing is changed there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from postrail.clock import SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.check.timed_steps import Found, ReadSoFar, Step, Steps, in_order
from postrail.mailbox.faults import setting_of
from postrail.mailbox.folder import Place, quoted
from postrail.mailbox.folder.eml import EmlFolder
from postrail.mailbox.folder.mailbox import path_fault, place_of
from postrail.mailbox.folder.maildir import Maildir
from postrail.mailbox.login import LoginOf

KINDS = {Maildir: "a maildir", EmlFolder: "a folder of .eml files"}


def try_folder(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """All steps, up to the first that fails; as this user, on this machine."""
    tried = _Tried(account)
    try:
        yield from in_order(tried.steps())
    finally:
        tried.close()


class _Tried:
    """The place that the account names."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._place: Place | None = None

    def close(self) -> None:
        """Lets go of the files."""
        if self._place is not None:
            self._place.close()

    def steps(self) -> Steps:
        """From the path to what would become of a mail."""
        return [
            ("path", self._path),
            ("mails", self._mails),
            ("news", self._news),
            ("after download", self._after_download),
        ]

    def _path(self) -> Found:
        with path_fault(self._account):
            self._place = place_of(self._account, SystemClock())
        kind = KINDS.get(type(self._place), "an mbox")
        return Found(f"{quoted(self._account.path)} is {kind} on this machine")

    def _mails(self) -> Found:
        assert self._place is not None
        with path_fault(self._account):
            mails = self._place.look()
        size = sum(mail.size for mail in mails)
        return Found(f"{len(mails):,} mail{'s' if len(mails) != 1 else ''}, {size:,} bytes")

    def _news(self) -> Found:
        return Found(f"a look each {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Found:
        assert self._place is not None
        match self._account.after_download:
            case "leave":
                return Found("mails stay as they are")
            case "seen" if not self._place.marks:
                return Found("mails stay as they are: such files have no mark for what was seen")
            case "seen":
                done = "mails are marked as seen"
            case "remove":
                done = "mails are removed"
            case _:
                done = f"mails are moved to {quoted(self._account.move_to)}"
        self._require_writable()
        return Found(done)

    def _require_writable(self) -> None:
        path = Path(self._account.path)
        places = [path / "new", path / "cur"] if isinstance(self._place, Maildir) else [path]
        places += [] if path.is_dir() else [path.parent]
        for place in places:
            if not os.access(place, os.W_OK):
                raise ConfigurationError(
                    f"this user may not write to {quoted(os.fsencode(place))}",
                    setting=setting_of(self._account, "path, after_download"),
                    remedy="Let the fetcher's user write there, or set after_download: leave",
                )
