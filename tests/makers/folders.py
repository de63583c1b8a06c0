"""Makes folders of messages on this machine, as delivery agents and mail readers do."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

from postrail.clock import SettableClock, SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.folder.mailbox import FolderMailbox
from tests.fakes.ledgers import MemoryLedger

KINDS = ("maildir", "eml", "mbox")
FROM_LINE = b"From ada@customer.test Thu Jan  1 10:00:%02d 2026\n"


class Folder:
    """A place of one kind, to which the test adds messages."""

    def __init__(self, kind: str, base: Path) -> None:
        self.kind = kind
        self.path = base / kind
        self._serial = count(1)
        if kind == "mbox":
            self.path.touch()
        else:
            self.path.mkdir()
        if kind == "maildir":
            for part in ("tmp", "new", "cur"):
                (self.path / part).mkdir()

    def account(self, **changes: Any) -> MailAccount:
        """Returns an account that watches it."""
        values = {
            "name": "support",
            "protocol": "folder",
            "path": str(self.path),
            "address": "support@example.org",
            "project": "HELP",
        }
        return MailAccount.model_validate(values | changes)

    def add(self, content: bytes, *, age_seconds: float = 60) -> Path:
        """Adds a message, `age_seconds` ago; returns its file."""
        serial = next(self._serial)
        file = {
            "maildir": self.path / "new" / f"1767261600.M{serial}P7.host",
            "eml": self.path / f"{serial}.eml",
            "mbox": self.path,
        }[self.kind]
        with file.open("ab") as output:
            if self.kind == "mbox":
                # In an mbox the last line of each message ends.
                line_end = b"" if content.endswith(b"\n") else b"\n"
                output.write(FROM_LINE % serial + content + line_end + b"\n")
            else:
                output.write(content)
        self.age(file, age_seconds)
        return file

    def age(self, file: Path, seconds: float = 60) -> None:
        """Sets the time of a file's last change to `age_seconds` ago."""
        then = SystemClock().now().timestamp() - seconds
        os.utime(file, (then, then))

    def remove(self, content: bytes) -> None:
        """Removes the first message with this content, as a person would."""
        if self.kind == "mbox":
            before, _, after = self.path.read_bytes().partition(content + b"\n")
            start = before.rindex(b"From ada")
            self.path.write_bytes(before[:start] + after)
            self.age(self.path)
        else:
            next(file for file in self.files() if file.read_bytes() == content).unlink()

    def files(self) -> list[Path]:
        """Returns the files of messages, without those in subdirectories."""
        if self.kind == "maildir":
            return [*(self.path / "new").iterdir(), *(self.path / "cur").iterdir()]
        return [file for file in self.path.iterdir() if file.is_file()]

    def left(self) -> list[bytes]:
        """Returns the contents of the messages."""
        if self.kind != "mbox":
            return sorted(file.read_bytes() for file in self.files())
        return mails_in(self.path)

    def moved(self, target: str = "Processed") -> list[bytes]:
        """Returns the contents of the moved messages."""
        place = self.path / target
        if self.kind == "maildir":
            return sorted(file.read_bytes() for file in (place / "cur").glob("*"))
        if self.kind == "eml":
            return sorted(file.read_bytes() for file in place.glob("*"))
        place = self.path.parent / target
        return mails_in(place) if place.exists() else []

    def seen(self) -> list[bytes]:
        """Returns the contents of the messages marked as seen; only a maildir has marks."""
        cur = self.path / "cur"
        return sorted(file.read_bytes() for file in cur.glob("*:2,*S*"))


def mails_in(mbox: Path) -> list[bytes]:
    """Splits an mbox that this module wrote, in the simplest way."""
    parts = ("\n" + mbox.read_text("latin-1")).split("\nFrom ada@customer.test ")[1:]
    texts = [part.partition("\n")[2].encode("latin-1") for part in parts]
    # The last one keeps the end of its line.
    return sorted([*texts[:-1], *(text.removesuffix(b"\n") for text in texts[-1:])])


def mailbox_on(folder: Folder, ledger: MemoryLedger, **changes: Any) -> FolderMailbox:
    """Returns an open mailbox, with the system's clock."""
    clock = SettableClock(SystemClock().now())
    mailbox = FolderMailbox(folder.account(**changes), ledger, clock)
    mailbox.open()
    return mailbox
