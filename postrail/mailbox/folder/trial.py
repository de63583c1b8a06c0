"""Tests an account that reads files of this machine, step by step, without changing them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from postrail.clock import SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.folder import Place, quoted
from postrail.mailbox.folder.eml import EmlFolder
from postrail.mailbox.folder.mailbox import path_fault, place_of
from postrail.mailbox.folder.maildir import Maildir
from postrail.wire.faults import setting_of
from postrail.wire.login import LoginOf
from postrail.wire.timed_steps import Actions, Findings, ReadSoFar, Step, run_in_order

KINDS = {Maildir: "a maildir", EmlFolder: "a folder of .eml files"}


def try_folder(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """Runs the steps, up to the first that fails, with the rights of the current user."""
    trial = _FolderTrial(account)
    try:
        yield from run_in_order(trial.actions())
    finally:
        trial.close()


class _FolderTrial:
    """The place that the account names, which is only read."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._place: Place | None = None

    def close(self) -> None:
        """Closes the files."""
        if self._place is not None:
            self._place.close()

    def actions(self) -> Actions:
        """Returns the steps, from the path to what follows a download."""
        return [
            ("path", self._path),
            ("messages", self._messages),
            ("new mail", self._new_mail),
            ("after download", self._after_download),
        ]

    def _path(self) -> Findings:
        with path_fault(self._account):
            self._place = place_of(self._account, SystemClock())
        kind = KINDS.get(type(self._place), "an mbox")
        return Findings(f"{quoted(self._account.path)} is {kind} on this machine")

    def _messages(self) -> Findings:
        assert self._place is not None
        with path_fault(self._account):
            found = self._place.list_messages()
        size = sum(message.size for message in found)
        return Findings(f"{len(found):,} message{'s' if len(found) != 1 else ''}, {size:,} bytes")

    def _new_mail(self) -> Findings:
        return Findings(f"a poll every {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Findings:
        assert self._place is not None
        match self._account.after_download:
            case "leave":
                return Findings("messages stay as they are")
            case "seen" if not self._place.can_mark_seen:
                return Findings("messages stay as they are: such files cannot be marked as seen")
            case "seen":
                done = "messages are marked as seen"
            case "remove":
                done = "messages are removed"
            case _:
                done = f"messages are moved to {quoted(self._account.move_to)}"
        self._require_writable()
        return Findings(done)

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
