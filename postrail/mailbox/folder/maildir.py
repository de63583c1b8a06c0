"""Reads a maildir (cr.yp.to/proto/maildir.html): each message is a file in `new` or `cur`.

A message is identified by its unique name, which is the part before `:2,` and the flags, as these
change. Files in `tmp` are being written, and are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.folder import (
    StoredMessage,
    chunks_of,
    header_of,
    quoted,
    time_of,
)
from postrail.mailbox.folder.directory import Directory
from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.mailbox.spool import Spool, spooled

INFO = ":2,"
PARTS = ("new", "cur")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MaildirFile:
    """The file of a message, where it was last seen."""

    part: str
    name: str
    size: int
    time_ns: int

    @property
    def unique(self) -> str:
        """Returns the part of the name that identifies the message for good."""
        return self.name.partition(":")[0]

    @property
    def seen_name(self) -> str:
        """Returns the name with the flag that readers set."""
        flags = set(self.name.partition(INFO)[2]) | {"S"}
        return self.unique + INFO + "".join(sorted(flags))

    @property
    def seen(self) -> bool:
        """Tells whether a reader has marked it."""
        return self.part == "cur" and "S" in self.name.partition(INFO)[2]


class Maildir:
    """The messages of one maildir, without the folders that Maildir++ keeps in it."""

    can_mark_seen = True

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._parts: dict[str, Directory] = {}
        self._mails: dict[str, MaildirFile] = {}

    def list_messages(self) -> list[StoredMessage]:
        self.close()
        with Directory.at(self._account.path) as root:
            for part in PARTS:
                self._parts[part] = root.below(part)
        # Messages move from new to cur only: in this order none is missed on its way.
        files = [mail for part in PARTS for mail in self._files_in(part)]
        self._mails = {f"file={quoted(mail.unique)}": mail for mail in files}
        in_order = sorted(self._mails.items(), key=lambda item: (item[1].time_ns, item[1].name))
        return [
            StoredMessage(key, mail.size, time_of(mail.time_ns / 1e9), mail.seen)
            for key, mail in in_order
        ]

    def _files_in(self, part: str) -> Iterator[MaildirFile]:
        for name, status in self._parts[part].files():
            yield MaildirFile(part, name, status.st_size, status.st_mtime_ns)

    def read(self, key: str) -> bytes | None:
        return self._at(key, lambda mail: self._read(mail, -1))

    def spool(self, key: str) -> Spool | None:
        return self._at(key, self._spool)

    def _spool(self, mail: MaildirFile) -> Spool:
        with self._parts[mail.part].open(mail.name) as file:
            return spooled(chunks_of(file))

    def read_header(self, key: str) -> bytes | None:
        content = self._at(key, lambda mail: self._read(mail, HEADER_MAX_BYTES))
        return None if content is None else header_of(content)

    def _read(self, mail: MaildirFile, most: int) -> bytes:
        with self._parts[mail.part].open(mail.name) as file:
            return file.read(most)

    def finish(self, keys: Sequence[str]) -> bool:
        match self._account.after_download:
            case "seen":
                self._each(keys, self._mark)
            case "remove":
                self._each(keys, self._remove)
            case "move":
                self._move(keys)
        for directory in self._parts.values():
            directory.sync()
        return True

    def _each(self, keys: Sequence[str], act: Callable[[MaildirFile], None]) -> None:
        for key in keys:
            self._at(key, act)

    def _mark(self, mail: MaildirFile) -> None:
        if not mail.seen:
            self._parts[mail.part].rename(mail.name, self._parts["cur"], mail.seen_name)

    def _remove(self, mail: MaildirFile) -> None:
        self._parts[mail.part].remove(mail.name)

    def _move(self, keys: Sequence[str]) -> None:
        with Directory.created_at(self._account.path, self._account.move_to) as target:
            # Readers recognize a maildir only when it has all three.
            for part in ("tmp", "new"):
                target.below(part, create=True).close()
            with target.below("cur", create=True) as cur:
                self._each(
                    keys, lambda mail: self._parts[mail.part].put(mail.name, cur, mail.seen_name)
                )
                cur.sync()
        self._each(keys, self._remove)

    def _at(self, key: str, act: Callable[[MaildirFile], T]) -> T | None:
        """Acts on the file, also after a reader has renamed it; returns None when it is gone."""
        for _ in range(2):
            if key not in self._mails:
                return None
            try:
                return act(self._mails[key])
            except FileNotFoundError:
                self.list_messages()
        return None

    def rest(self) -> None:
        """Does nothing: no change waits."""

    def close(self) -> None:
        parts, self._parts = self._parts, {}
        for directory in parts.values():
            directory.close()
