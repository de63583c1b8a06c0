"""The mailboxes of the fake of Microsoft Graph: folders, messages, ids, and changes for delta."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import getaddresses
from typing import Literal

WELL_KNOWN = {
    "inbox": "Posteingang",
    "drafts": "Entwürfe",
    "sentitems": "Gesendete Elemente",
    "deleteditems": "Gelöschte Elemente",
    "junkemail": "Junk-E-Mail",
    "archive": "Archiv",
}
FIRST_RECEIVED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _id(kind: str, number: int) -> str:
    """Returns an id as long as Graph's; some differ only in case, as Graph's do."""
    digits = base64.urlsafe_b64encode(number.to_bytes(6, "big")).decode()
    return f"{kind}ALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{digits}_x="


@dataclass
class GraphMail:
    """A message; its immutable id stays when it is moved, the other one changes."""

    immutable_id: str
    content: bytes
    received_at: datetime
    folder: GraphFolder
    is_read: bool = False
    moves: int = 0
    is_draft: bool = False
    # The Message-ID that Exchange gave it instead of its own.
    replaced_id: str = ""

    @property
    def message_id(self) -> str:
        """Returns its Message-ID, as Graph reports it."""
        own = str(message_from_bytes(self.content).get("Message-ID", "")).strip()
        return self.replaced_id or own or "<1@example.org>"

    @property
    def to(self) -> list[str]:
        """Returns the addresses in To."""
        fields = message_from_bytes(self.content).get_all("To", [])
        return [address for _, address in getaddresses([str(one) for one in fields])]

    def id(self, *, immutable: bool) -> str:
        return self.immutable_id if immutable else f"AAMk{self.moves}{self.immutable_id[4:]}"


@dataclass(frozen=True)
class Change:
    """A change in a folder; a `hidden` one is not reported with immutable ids."""

    kind: Literal["there", "removed"]
    mail: GraphMail
    # The message's changing id at that time.
    mutable_id: str
    hidden: bool = False


@dataclass
class GraphFolder:
    """A folder and all its changes."""

    id: str
    name: str
    parent: GraphFolder | None
    changes: list[Change] = field(default_factory=list)
    departed: set[str] = field(default_factory=set)

    def note(self, kind: Literal["there", "removed"], mail: GraphMail) -> None:
        # With immutable ids a message that was moved away and back is reported as removed, and
        # never again (microsoft-graph-docs-contrib, issue 72).
        hidden = kind == "there" and mail.immutable_id in self.departed
        self.changes.append(Change(kind, mail, mail.id(immutable=False), hidden))
        if kind == "removed":
            self.departed.add(mail.immutable_id)


class GraphMailbox:
    """A user's or shared mailbox, with the actions of a person in it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = itertools.count(1)
        self.root = GraphFolder(_id("AAMkRoot", 0), "Root", None)
        self.folders: dict[str, GraphFolder] = {}
        self.well_known = {
            name: self.add_folder(display_name) for name, display_name in WELL_KNOWN.items()
        }
        self.mails: dict[str, GraphMail] = {}
        # The number of next messages that delta does not report.
        self.lose = 0

    @property
    def inbox(self) -> GraphFolder:
        """Returns the inbox."""
        return self.well_known["inbox"]

    def add_folder(self, name: str, parent: GraphFolder | None = None) -> GraphFolder:
        """Adds a folder."""
        folder = GraphFolder(_id("AQMk", next(self._numbers)), name, parent or self.root)
        self.folders[folder.id] = folder
        return folder

    def children(self, parent: GraphFolder) -> list[GraphFolder]:
        """Returns the subfolders."""
        return [folder for folder in self.folders.values() if folder.parent is parent]

    def folder(self, name: str) -> GraphFolder | None:
        """Returns a folder by id or well-known name."""
        return self.folders.get(name) or self.well_known.get(name.lower())

    def folder_named(self, name: str) -> GraphFolder:
        """Returns the folder with this display name, which must exist."""
        return next(folder for folder in self.folders.values() if folder.name == name)

    def deliver(
        self,
        content: bytes,
        *,
        folder: GraphFolder | None = None,
        received_at: datetime | None = None,
    ) -> GraphMail:
        """Adds a message, received a minute after the one before."""
        number = next(self._numbers)
        received_at = received_at or FIRST_RECEIVED_AT + timedelta(minutes=number)
        mail = GraphMail(_id("AAkA", number), content, received_at, folder or self.inbox)
        self.mails[mail.immutable_id] = mail
        if self.lose:
            self.lose -= 1
        else:
            mail.folder.note("there", mail)
        return mail

    def mails_in(self, folder: GraphFolder) -> list[GraphMail]:
        """Returns the messages in a folder, in the order in which they came."""
        return [mail for mail in self.mails.values() if mail.folder is folder]

    def mail(self, mail_id: str, *, immutable: bool) -> GraphMail | None:
        """Returns the message with an id of either kind; ids are case-sensitive."""
        if immutable and mail_id in self.mails:
            return self.mails[mail_id]
        found = (mail for mail in self.mails.values() if mail.id(immutable=False) == mail_id)
        return next(found, None)

    def mark(self, mail: GraphMail, *, is_read: bool) -> None:
        """Marks as read or unread."""
        mail.is_read = is_read
        mail.folder.note("there", mail)

    def move(self, mail: GraphMail, target: GraphFolder) -> None:
        """Moves a message, as a person or a program would."""
        mail.folder.note("removed", mail)
        mail.moves += 1
        mail.folder = target
        target.note("there", mail)

    def delete(self, mail: GraphMail) -> None:
        """Moves a message to the deleted items, and removes it from there."""
        if mail.folder is not self.well_known["deleteditems"]:
            self.move(mail, self.well_known["deleteditems"])
        else:
            self.purge(mail)

    def purge(self, mail: GraphMail) -> None:
        """Removes a message permanently."""
        mail.folder.note("removed", mail)
        del self.mails[mail.immutable_id]

    def changes_since(
        self, folder: GraphFolder, since: int, *, immutable: bool
    ) -> Iterator[tuple[str, GraphMail | None]]:
        """Yields the id of each changed message, and the message if it is still there."""
        last: dict[str, Change] = {}
        for change in folder.changes[since:]:
            if immutable and change.hidden:
                continue
            changed = change.mail.immutable_id if immutable else change.mutable_id
            last.pop(changed, None)
            last[changed] = change
        for changed, change in last.items():
            yield changed, change.mail if change.kind == "there" else None
