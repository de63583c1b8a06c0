"""Reads a directory of .eml files, each of which is a message.

A message is identified by its file's name, size and time: another file under the same name is
another message. Files that are being written wait: hidden ones and those that do not end in .eml
(such as *.eml.part) until they are renamed, others until UNCHANGED_SECONDS have passed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import BinaryIO, TypeVar

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.folder import (
    StoredMessage,
    chunks_of,
    header_of,
    quoted,
    time_of,
)
from postrail.mailbox.folder.directory import Directory
from postrail.mailbox.folder.finished_files import FinishedFiles
from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.mailbox.spool import Spool, spooled

T = TypeVar("T")


class EmlFolder:
    """The .eml files in a directory, without those in its subdirectories."""

    can_mark_seen = False

    def __init__(self, account: MailAccount, clock: Clock) -> None:
        self._account = account
        self._finished_files = FinishedFiles(clock)
        self._directory: Directory | None = None
        self._names: dict[str, str] = {}

    def list_messages(self) -> list[StoredMessage]:
        self.close()
        self._directory = Directory.at(self._account.path)
        mails = {
            name: status
            for name, status in self._directory.files()
            if name.lower().endswith(".eml")
        }
        self._finished_files.forget_all_but(mails)
        finished = {
            name: status
            for name, status in mails.items()
            if self._finished_files.is_finished(name, status)
        }
        self._names = {_key(name, status): name for name, status in finished.items()}
        in_order = sorted(finished, key=lambda name: (finished[name].st_mtime_ns, name))
        return [_found(name, finished[name]) for name in in_order]

    def read(self, key: str) -> bytes | None:
        return self._read(key, lambda file: file.read())

    def spool(self, key: str) -> Spool | None:
        return self._read(key, lambda file: spooled(chunks_of(file)))

    def read_header(self, key: str) -> bytes | None:
        content = self._read(key, lambda file: file.read(HEADER_MAX_BYTES))
        return None if content is None else header_of(content)

    def _read(self, key: str, read: Callable[[BinaryIO], T]) -> T | None:
        name = self._names[key]
        try:
            with self._open_directory.open(name) as file:
                content = read(file)
                # The key after reading is the key before, so this was the listed message.
                same = _key(name, os.fstat(file.fileno())) == key
        except FileNotFoundError:
            return None
        return content if same else None

    def finish(self, keys: Sequence[str]) -> bool:
        match self._account.after_download:
            case "remove":
                self._remove(keys)
            case "move":
                with Directory.created_at(self._account.path, self._account.move_to) as target:
                    for name in self._unchanged(keys):
                        self._open_directory.put(name, target, name)
                    target.sync()
                self._remove(keys)
        return True

    def _remove(self, keys: Sequence[str]) -> None:
        for name in self._unchanged(keys):
            self._open_directory.remove(name)
        self._open_directory.sync()

    def _unchanged(self, keys: Sequence[str]) -> list[str]:
        """Returns the names of the files that are still the listed ones."""
        names = [(key, self._names[key]) for key in keys if key in self._names]
        return [
            name
            for key, name in names
            if self._open_directory.holds(name)
            and _key(name, self._open_directory.status(name)) == key
        ]

    def rest(self) -> None:
        """Does nothing: no change waits."""

    @property
    def _open_directory(self) -> Directory:
        assert self._directory is not None, "list_messages() comes first"
        return self._directory

    def close(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.close()


def _key(name: str, status: os.stat_result) -> str:
    return f"file={quoted(name)};size={status.st_size};time={status.st_mtime_ns}"


def _found(name: str, status: os.stat_result) -> StoredMessage:
    return StoredMessage(_key(name, status), status.st_size, time_of(status.st_mtime))
