"""Only complete, regular files are read: half-written ones, odd names, links, faults."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from postrail.clock import SettableClock, SystemClock
from postrail.errors import ConfigurationError
from postrail.mailbox import MailUnreadable
from postrail.mailbox.folder.directory import Directory
from postrail.mailbox.folder.mailbox import FolderMailbox
from tests.fakes.ledgers import MemoryLedger
from tests.makers.folders import KINDS, Folder, mailbox_on

MAIL = b"Subject: Printer\n\nIt smokes.\n"


def contents(mailbox: FolderMailbox) -> list[bytes]:
    """Returns all messages that the mailbox lists."""
    return [mail.content for mail in mailbox.read([one.uid for one in mailbox.list_after(0)])]


# Names of files that are not messages, and why.
NO_MAILS = [
    ".hidden.eml",  # rsync and editors use hidden names.
    "1.eml.part",  # A download that is running.
    "1.eml.tmp",
    "1.eml~",
    "notes.txt",
]


@pytest.mark.parametrize("name", NO_MAILS)
def test_ignores_other_files(name: str, tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    (folder.path / name).write_bytes(MAIL)
    folder.age(folder.path / name)
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        assert mailbox.list_after(0) == []
        (folder.path / name).rename(folder.path / "whole.EML")
        assert contents(mailbox) == [MAIL]


def test_ignores_a_delivery_into_a_maildir_until_it_is_complete(tmp_path: Path) -> None:
    folder = Folder("maildir", tmp_path)
    (folder.path / "tmp" / "1767261600.M1P7.host").write_bytes(MAIL)
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        assert mailbox.list_after(0) == []


@pytest.mark.parametrize("age_seconds", [0, 0.5, -3600])
def test_a_file_that_may_be_incomplete_waits(age_seconds: float, tmp_path: Path) -> None:
    folder, clock = Folder("eml", tmp_path), SettableClock(SystemClock().now())
    file = folder.add(MAIL[:10], age_seconds=age_seconds)
    mailbox = FolderMailbox(folder.account(), MemoryLedger(), clock)
    mailbox.open()
    assert mailbox.list_after(0) == []
    file.write_bytes(MAIL)
    folder.age(file, age_seconds)
    clock.move(1)
    assert mailbox.list_after(0) == []
    clock.move(3)
    assert contents(mailbox) == [MAIL]
    mailbox.close()


def test_only_the_last_message_of_an_mbox_waits(tmp_path: Path) -> None:
    folder, clock = Folder("mbox", tmp_path), SettableClock(SystemClock().now())
    folder.add(MAIL)
    folder.add(b"Subject: half", age_seconds=0)
    mailbox = FolderMailbox(folder.account(), MemoryLedger(), clock)
    mailbox.open()
    assert contents(mailbox) == [MAIL]
    clock.move(3)
    assert contents(mailbox) == [MAIL, b"Subject: half\n"]
    mailbox.close()


def test_a_file_replaced_under_its_name_is_a_new_message(tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    file = folder.add(MAIL)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="remove")
    (first,) = mailbox.list_after(0)
    file.write_bytes(b"Subject: Another\n\nmail\n")
    folder.age(file, 30)
    # It is neither read nor removed as the one that was listed.
    assert mailbox.read([first.uid]) == []
    mailbox.finish([first.uid])
    (second,) = mailbox.list_after(first.uid)
    assert second.key != first.key
    assert contents(mailbox) == [b"Subject: Another\n\nmail\n"]
    mailbox.close()


def test_a_message_that_a_reader_flags_keeps_its_key(tmp_path: Path) -> None:
    folder = Folder("maildir", tmp_path)
    file = folder.add(MAIL)
    mailbox = mailbox_on(folder, MemoryLedger())
    (listed,) = mailbox.list_after(0)
    file.rename(folder.path / "cur" / f"{file.name}:2,F")
    assert [mail.content for mail in mailbox.read([listed.uid])] == [MAIL]
    mailbox.finish([listed.uid])
    assert [file.name for file in folder.files()] == [f"{file.name}:2,FS"]
    assert mailbox.list_after(0)[0].key == listed.key
    mailbox.close()


ODD_NAMES = [
    b"new\nline",
    b"not utf-8 \xff\xfe",
    "Müll".encode(),
    b"quote' \"; DROP TABLE",
    b"per%cent",
    b"-rf",
    b"a" * 240,
]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("kind", ["maildir", "eml"])
def test_reads_files_with_odd_names(kind: str, name: bytes, tmp_path: Path) -> None:
    folder, ledger = Folder(kind, tmp_path), MemoryLedger()
    place = folder.path / "new" if kind == "maildir" else folder.path
    file = place / os.fsdecode(name if kind == "maildir" else name + b".eml")
    file.write_bytes(MAIL)
    folder.age(file)
    mailbox = mailbox_on(folder, ledger, after_download="move", move_to="Processed")
    (listed,) = mailbox.list_after(0)
    assert listed.key.isascii()
    assert listed.key.isprintable()
    assert contents(mailbox) == [MAIL]
    mailbox.finish([listed.uid])
    mailbox.close()
    assert folder.moved() == [MAIL]
    assert folder.left() == []


@pytest.mark.parametrize("kind", ["maildir", "eml"])
def test_links_and_pipes_are_not_followed(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0\n")
    place = folder.path / "new" if kind == "maildir" else folder.path
    (place / "1.eml").symlink_to(secret)
    os.mkfifo(place / "2.eml")
    (place / "3.eml").mkdir()
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        assert mailbox.list_after(0) == []


def test_a_link_that_replaces_a_listed_file_is_not_followed(tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    file = folder.add(MAIL)
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0\n")
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        (listed,) = mailbox.list_after(0)
        file.unlink()
        file.symlink_to(secret)
        with pytest.raises(MailUnreadable):
            mailbox.read([listed.uid])


@pytest.mark.parametrize("part", ["new", "cur"])
def test_a_maildir_with_a_linked_part_is_refused(part: str, tmp_path: Path) -> None:
    folder = Folder("maildir", tmp_path)
    (folder.path / part).rename(tmp_path / "elsewhere")
    (folder.path / part).symlink_to(tmp_path / "elsewhere")
    mailbox = mailbox_on(folder, MemoryLedger())
    with closing(mailbox), pytest.raises(ConfigurationError):
        mailbox.list_after(0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_path_itself_may_be_a_link(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(MAIL)
    (tmp_path / "link").symlink_to(folder.path)
    path = str(tmp_path / "link")
    mailbox = mailbox_on(folder, MemoryLedger(), path=path, after_download="remove")
    mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
    mailbox.rest()
    mailbox.close()
    assert folder.left() == []
    assert (tmp_path / "link").is_symlink()


def test_names_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder("eml", tmp_path)
    folder.add(MAIL)

    def refused(self: Directory, name: str) -> Any:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(Directory, "open", refused)
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        (listed,) = mailbox.list_after(0)
        with pytest.raises(MailUnreadable, match=r"the file of file=1\.eml.*Permission denied"):
            mailbox.read([listed.uid])


WRONG_PATHS = [
    ("missing", "No such file or directory"),
    ("file/below", "Not a directory"),
    ("file", "neither a folder nor an mbox file"),
    ("pipe", "neither a folder nor an mbox file"),
]


@pytest.mark.parametrize(("name", "words"), WRONG_PATHS)
def test_a_wrong_path_names_setting_and_remedy(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a letter\n")
    os.mkfifo(tmp_path / "pipe")
    folder = Folder("eml", tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        mailbox_on(folder, MemoryLedger(), path=str(tmp_path / name))
    assert words in caught.value.problem
    assert str(tmp_path / name) in caught.value.problem
    assert caught.value.setting == "mail account support: path"
    assert caught.value.remedy


def test_a_folder_that_disappears_is_unavailable_until_it_returns(tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    folder.add(MAIL)
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        assert len(mailbox.list_after(0)) == 1
        folder.path.rename(tmp_path / "away")
        with pytest.raises(ConfigurationError):
            mailbox.list_after(0)
        # Another folder replaces it, as after a mount.
        folder.path.mkdir()
        assert mailbox.list_after(0) == []


@pytest.mark.parametrize("kind", ["maildir", "eml"])
def test_lists_only_messages_after_a_day(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(b"Subject: old\n\n", age_seconds=400 * 24 * 3600)
    folder.add(MAIL)
    yesterday = date.fromordinal(SystemClock().now().toordinal() - 1)
    with closing(mailbox_on(folder, MemoryLedger(), only_after=yesterday)) as mailbox:
        assert contents(mailbox) == [MAIL]


@pytest.mark.parametrize("time", [2**40, -(2**33)])
def test_a_time_outside_of_the_calendar_is_unknown(time: int, tmp_path: Path) -> None:
    folder = Folder("eml", tmp_path)
    file = folder.add(MAIL)
    try:
        os.utime(file, (time, time))
    except OverflowError:
        pytest.skip("this file system has no such times")
    clock = SettableClock(SystemClock().now())
    mailbox = FolderMailbox(folder.account(), MemoryLedger(), clock)
    mailbox.open()
    mailbox.list_after(0)
    clock.move(5)
    assert contents(mailbox) == [MAIL]
    mailbox.close()
