"""Messages are marked, removed or moved in each kind of folder, also by a killed process."""

from __future__ import annotations

import contextlib
import errno
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from postrail.mailbox import MailUnreadable
from postrail.mailbox.folder.directory import Directory
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.folder.mbox_late import LateMail
from tests.fakes.ledgers import MemoryLedger
from tests.makers.folders import KINDS, Folder, mailbox_on

MAILS = [b"Subject: %d\n\nText\n" % number for number in range(3)]


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    found = Folder(request.param, tmp_path)
    for mail in MAILS:
        found.add(mail)
    return found


def take_two(folder: Folder, **changes: Any) -> FolderMailbox:
    """Reads the first two messages and finishes them as the account asks."""
    mailbox = mailbox_on(folder, MemoryLedger(), **changes)
    uids = [mail.uid for mail in mailbox.list_after(0)][:2]
    assert [mail.content for mail in mailbox.read(uids)] == MAILS[:2]
    mailbox.finish(uids)
    mailbox.rest()
    return mailbox


# The contents that are left there, and those in the place that messages are moved to.
AFTER = [
    ({"after_download": "seen"}, MAILS, []),
    ({"after_download": "leave"}, MAILS, []),
    ({"after_download": "remove"}, MAILS[2:], []),
    ({"after_download": "move", "move_to": "Processed"}, MAILS[2:], MAILS[:2]),
]


@pytest.mark.parametrize(("changes", "left", "moved"), AFTER)
def test_marks_removes_or_moves(
    folder: Folder, changes: dict[str, Any], left: list[bytes], moved: list[bytes]
) -> None:
    with closing(take_two(folder, **changes)) as mailbox:
        assert folder.left() == left
        assert folder.moved() == moved
        marked = folder.kind == "maildir" and changes["after_download"] == "seen"
        assert folder.seen() == (MAILS[:2] if marked else [])
        assert len(mailbox.list_after(0)) == len(left)


def test_moves_to_an_absolute_path_that_is_created(folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "far" / "away"
    take_two(folder, after_download="move", move_to=str(target)).close()
    assert folder.moved(str(target)) == MAILS[:2]


def test_moving_overwrites_nothing(folder: Folder) -> None:
    take_two(folder, after_download="move", move_to="Processed").close()
    # Other messages have the same names there.
    again = Folder.__new__(Folder)
    again.__dict__ = {**folder.__dict__, "_serial": iter(range(1, 9))}
    for number in range(2):
        again.add(b"Subject: other %d\n\nText\n" % number)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="move", move_to="Processed")
    mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
    mailbox.rest()
    mailbox.close()
    assert folder.left() == []
    others = [b"Subject: other %d\n\nText\n" % number for number in range(2)]
    assert folder.moved() == [*MAILS, *others]


def test_a_message_that_a_person_removed_meanwhile_is_skipped(folder: Folder) -> None:
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="remove")
    uids = [mail.uid for mail in mailbox.list_after(0)]
    folder.remove(MAILS[1])
    assert [mail.content for mail in mailbox.read(uids)] == [MAILS[0], MAILS[2]]
    mailbox.finish(uids)
    mailbox.rest()
    mailbox.close()
    assert folder.left() == []


class Killed(BaseException):
    """Stands for SIGKILL, as our code does not catch it."""


KILLS = [
    # The message is in both places.
    ("maildir", Directory, "sync"),
    ("eml", Directory, "sync"),
    ("eml", Directory, "_link"),
    # One message is gone, the other is not.
    ("maildir", Directory, "remove"),
    ("eml", Directory, "remove"),
    # Appended to the other file, and not yet removed from this one.
    ("mbox", LateMail, "keep"),
    # The new file has replaced the old one.
    ("mbox", Path, "replace"),
]


@pytest.mark.parametrize("wanted", ["remove", "move"])
@pytest.mark.parametrize(("kind", "owner", "method"), KILLS)
def test_the_next_process_completes_what_a_killed_one_began(
    kind: str,
    owner: type[Any],
    method: str,
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, ledger = Folder(kind, tmp_path), MemoryLedger()
    for mail in MAILS:
        folder.add(mail)
    changes = {"after_download": wanted, "move_to": "Processed" if wanted == "move" else ""}
    mailbox = mailbox_on(folder, ledger, **changes)
    uids = [mail.uid for mail in mailbox.list_after(0)]
    original = getattr(owner, method)

    def deadly(*arguments: Any) -> Any:
        original(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, deadly)
        try:
            mailbox.finish(uids[:2])
            mailbox.rest()
            killed = False
        except Killed:
            killed = True
    assert killed or (wanted, method) == ("remove", "_link")
    mailbox.close()
    successor = mailbox_on(folder, ledger, **changes)
    left = [mail.uid for mail in successor.unfinished_between(1, uids[1])]
    successor.finish(left)
    successor.rest()
    assert [mail.uid for mail in successor.list_after(0)] == uids[2:]
    successor.close()
    assert folder.left() == MAILS[2:]
    moved = folder.moved()
    if (kind, method, wanted) == ("mbox", "keep", "move"):
        # Two copies are better than none.
        assert sorted(set(moved)) == MAILS[:2]
    else:
        assert moved == (MAILS[:2] if wanted == "move" else [])


def test_a_place_that_cannot_be_written_is_an_error_and_keeps_its_messages(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Directory, "remove", refused)
    monkeypatch.setattr("postrail.mailbox.folder.mbox.os.access", lambda *_: False)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="remove")
    uids = [mail.uid for mail in mailbox.list_after(0)]
    with pytest.raises(MailUnreadable) as caught:
        mailbox.finish(uids)
    assert "'remove' is not possible in" in str(caught.value)
    assert "mail account support: path, after_download, move_to" in str(caught.value)
    mailbox.rest()
    mailbox.close()
    assert folder.left() == MAILS


@pytest.mark.parametrize("way", ["relative", "absolute"])
def test_a_folder_is_never_moved_onto_itself(folder: Folder, way: str) -> None:
    if folder.kind == "mbox":
        target = folder.path.name if way == "relative" else f"{folder.path.parent}/./mbox"
    else:
        target = "." if way == "relative" else f"{folder.path}/."
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="move", move_to=target)
    with contextlib.suppress(MailUnreadable):
        mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
    mailbox.rest()
    mailbox.close()
    assert folder.left() == MAILS


# The file system's error, and whether linking fails in the target folder, too.
NO_LINKS = [
    # Another file system, which has hard links itself.
    (errno.EXDEV, 1),
    # A file system without hard links.
    (errno.EPERM, 2),
]


@pytest.mark.parametrize("kind", ["maildir", "eml"])
@pytest.mark.parametrize(("fault", "times"), NO_LINKS)
def test_copies_where_a_link_is_not_possible(
    kind: str, fault: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(kind, tmp_path)
    file = folder.add(MAILS[0], age_seconds=5000)
    then = file.stat().st_mtime_ns
    original, faults = Directory._link, iter([fault] * times)

    def link(self: Directory, *arguments: Any) -> None:
        for number in faults:
            raise OSError(number, os.strerror(number))
        original(self, *arguments)

    monkeypatch.setattr(Directory, "_link", link)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="move", move_to="Processed")
    mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
    mailbox.close()
    assert (folder.left(), folder.moved()) == ([], [MAILS[0]])
    (moved,) = (one for one in (folder.path / "Processed").rglob("*") if one.is_file())
    assert moved.stat().st_mtime_ns == then


@pytest.mark.parametrize("kind", ["maildir", "eml"])
def test_a_copy_that_fails_leaves_no_file_and_loses_no_message(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(MAILS[0])

    def fail(*_: Any) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Directory, "_link", fail)
    monkeypatch.setattr("postrail.mailbox.folder.directory.os.fsync", full)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="move", move_to="Processed")
    with pytest.raises(MailUnreadable, match="No space left on device"):
        mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
    mailbox.close()
    assert (folder.left(), folder.moved()) == ([MAILS[0]], [])
