"""An mbox: beginnings and keys of messages, quoted lines, locks, and deliveries meanwhile."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postrail.clock import SettableClock, SystemClock
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.folder import mbox_file, mbox_lock
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.folder.mbox_file import content_of, spans
from tests.fakes.ledgers import MemoryLedger
from tests.makers.folders import Folder, mailbox_on

FROM = b"From ada@customer.test Thu Jan  1 10:00:00 2026\n"
MAIL = b"Subject: A\n\nText\n"


def contents_in(text: bytes) -> list[bytes]:
    file = io.BytesIO(text)
    return [content_of(file, span) for span in spans(file)]


# The file, the messages in it, and the reason.
FILES = [
    (b"", []),
    (FROM + MAIL + b"\n" + FROM + MAIL, [MAIL, MAIL]),
    # Some programs leave out the blank line.
    (FROM + MAIL + FROM + MAIL, [MAIL, MAIL]),
    # Line ends are kept.
    ((FROM + MAIL + b"\n").replace(b"\n", b"\r\n") * 2, [MAIL.replace(b"\n", b"\r\n")] * 2),
    # A quoted line loses exactly one ">" (mboxrd).
    (
        FROM + b"A: 1\n\n>From me\n>>From him\n> From her\nFrom\n\n",
        [b"A: 1\n\nFrom me\n>From him\n> From her\nFrom\n"],
    ),
    # An unquoted line without day and time.
    (FROM + b"A: 1\n\nFrom now on, at 10:00, we are closed.\n", None),
    # From lines of different programs.
    (b"From - Thu Jan 01 00:00:00 1970\n" + MAIL, [MAIL]),
    (b"From MAILER-DAEMON Thu Jan  1 10:00:00 2026\n" + MAIL, [MAIL]),
    (b"From 1234@xxx Thu Jan 01 10:00:00 +0000 2026\n" + MAIL, [MAIL]),
    (b"From a b@c.de Thu Jan  1 10:00 MET 2026 remote from host\n" + MAIL, [MAIL]),
    # Only a From line.
    (FROM, [b""]),
    (FROM + b"\n", [b"\n"]),
    # The data of the IMAP server of the University of Washington.
    (
        FROM + b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nT\n\n"
        + FROM + MAIL,
        [MAIL],
    ),
    # Any bytes.
    (FROM + bytes(range(256)) + b"\n\n" + FROM + MAIL, [bytes(range(256)) + b"\n", MAIL]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mails"), FILES)
def test_finds_where_messages_begin_and_end(text: bytes, mails: list[bytes] | None) -> None:
    assert contents_in(text) == ([text.removeprefix(FROM)] if mails is None else mails)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 48, 64])
def test_finds_a_from_line_across_two_chunks(
    chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox_file, "CHUNK_BYTES", chunk_bytes)
    long_line = b"x" * 5000 + FROM
    text = FROM + MAIL + b"\n" + FROM + long_line + b"\n" + FROM + MAIL
    assert contents_in(text) == [MAIL, long_line, MAIL]


def keys_in(text: bytes) -> list[str]:
    return [span.key for span in spans(io.BytesIO(text))]


SAME = [
    # Mail readers add fields.
    FROM + b"Status: RO\nSubject: A\nX-Status: A\nX-UID: 7\n\nText\n",
    FROM + b"Subject: A\nContent-Length: 5\nLines: 1\nX-Keywords: a\n b\n\nText\n",
    # Another message was appended.
    FROM + MAIL + b"\n",
]


@pytest.mark.parametrize("text", SAME)
def test_a_message_keeps_its_key_when_readers_write_into_it(text: bytes) -> None:
    assert keys_in(text) == keys_in(FROM + MAIL)


OTHERS = [
    FROM + b"Subject: B\n\nText\n",
    FROM + b"Subject: A\n\nText!\n",
    FROM + b"Subject: A\n\nStatus: RO\nText\n",
    FROM.replace(b":00 ", b":01 ") + MAIL,
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_messages_have_other_keys(text: bytes) -> None:
    assert keys_in(text) != keys_in(FROM + MAIL)


def test_equal_messages_are_counted() -> None:
    first, second, third = keys_in((FROM + MAIL + b"\n") * 3)
    assert (second, third) == (f"{first};n=2", f"{first};n=3")


def test_hostile_lines_take_linear_time() -> None:
    line = b"From " + b"Mon 1:1 Tue " * 70 + b"\n"
    started = time.process_time()
    spans(io.BytesIO(FROM + line * 12_000))
    assert time.process_time() - started < 10


DATES = [
    (b"From a Thu Jan  1 10:00:00 2026\n", datetime(2026, 1, 1, 10, tzinfo=UTC)),
    (b"From a Thu Jan 01 10:00:00 +0100 2026\n", datetime(2026, 1, 1, 9, tzinfo=UTC)),
    (b"From a Thu Foo 99 10:00:00 2026\n", None),
    (b"From a Thu Jan 99 10:00:00 9999\n", None),
]


@pytest.mark.parametrize(("line", "expected"), DATES)
def test_reads_the_date_of_the_from_line(line: bytes, expected: datetime | None) -> None:
    (span,) = spans(io.BytesIO(line + MAIL))
    assert span.received_at == expected


def test_reads_an_equal_message_that_comes_before_the_first_is_removed(
    tmp_path: Path,
) -> None:
    folder = Folder("mbox", tmp_path)
    folder.path.write_bytes(FROM + MAIL + b"\n")
    folder.age(folder.path)
    mailbox = mailbox_on(folder, MemoryLedger(), after_download="remove")
    (first,) = mailbox.list_after(0)
    mailbox.finish([first.uid])
    with folder.path.open("ab") as file:
        file.write(FROM + MAIL + b"\n")
    folder.age(folder.path)
    mailbox.rest()
    (second,) = mailbox.list_after(first.uid)
    mailbox.finish([second.uid])
    mailbox.rest()
    mailbox.close()
    assert folder.path.read_bytes() == b""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox_lock, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(mbox_lock, "TRY_AGAIN_SECONDS", 0.01)


def test_finds_messages_again_after_a_reader_has_rewritten_the_file(tmp_path: Path) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(b"Subject: A\n\nA\n")
    folder.add(b"Subject: B\n\nB\n")
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        uids = [mail.uid for mail in mailbox.list_after(0)]
        text = folder.path.read_bytes().replace(b"Subject", b"Status: RO\nSubject")
        folder.path.write_bytes(text)
        assert [mail.content for mail in mailbox.read(uids)] == [
            b"Status: RO\nSubject: A\n\nA\n",
            b"Status: RO\nSubject: B\n\nB\n",
        ]


# A program that holds a lock until its standard input ends.
HOLD = {
    "fcntl": "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX);"
    " print(flush=True); sys.stdin.read()",
    "file": "import sys; open(sys.argv[1] + '.lock', 'w').write('0'); print(flush=True);"
    " sys.stdin.read()",
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", ["file", "fcntl"])
def test_a_locked_mbox_is_unavailable(way: str, tmp_path: Path) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(MAIL)
    mailbox = mailbox_on(folder, MemoryLedger())
    # A process is not kept out by its own locks.
    command = [sys.executable, "-c", HOLD[way], str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(MailboxUnavailable, match="has been locked by another program"):
            mailbox.list_after(0)
        other.communicate()
    Path(f"{folder.path}.lock").unlink(missing_ok=True)
    assert len(mailbox.list_after(0)) == 1
    mailbox.close()


# The lock file's content, its age, and whether it was left behind.
LOCKS = [
    ("{gone} {here}", 0, True),
    ("{own} {here}", 0, True),
    ("{parent} {here}", 0, False),
    ("{gone} another-host", 0, False),
    ("", 0, False),
    ("{gone} another-host", 301, True),
    ("", 301, True),
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("text", "age_seconds", "left_behind"), LOCKS)
def test_a_lock_file_that_was_left_behind(
    text: str, age_seconds: float, left_behind: bool, tmp_path: Path
) -> None:
    folder, lock = Folder("mbox", tmp_path), tmp_path / "mbox.lock"
    # On Linux no process id is above 2 ** 22.
    ids = {"gone": 2**22 + 1, "own": os.getpid(), "parent": os.getppid()}
    lock.write_text(text.format(here=os.uname().nodename, **ids))
    folder.age(lock, age_seconds)
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        if left_behind:
            assert mailbox.list_after(0) == []
            assert not lock.exists()
        else:
            with pytest.raises(MailboxUnavailable):
                mailbox.list_after(0)
            assert lock.exists()


def test_an_mbox_that_we_may_not_lock_is_read_and_left_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(MAIL)

    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(mbox_lock, "_created", refused)
    with closing(mailbox_on(folder, MemoryLedger(), after_download="remove")) as mailbox:
        (mail,) = mailbox.list_after(0)
        assert [one.content for one in mailbox.read([mail.uid])] == [MAIL]
        mailbox.finish([mail.uid])
        # This is logged, and the next messages do not wait for it.
        mailbox.rest()
    assert folder.left() == [MAIL]


def test_a_delivery_into_the_replaced_file_is_copied_over(tmp_path: Path) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(MAIL)
    clock = SettableClock(SystemClock().now())
    mailbox = FolderMailbox(folder.account(after_download="remove"), MemoryLedger(), clock)
    mailbox.open()
    with folder.path.open("ab") as late:
        (first,) = mailbox.list_after(0)
        mailbox.finish([first.uid])
        mailbox.rest()
        assert folder.path.read_bytes() == b""
        late.write(FROM + b"Subject: late\n\n\n")
    assert mailbox.list_after(0) == []
    clock.move(5)
    (second,) = mailbox.list_after(0)
    assert [mail.content for mail in mailbox.read([second.uid])] == [b"Subject: late\n\n"]
    # It is copied once, and the old file is removed later.
    assert len(mailbox.list_after(0)) == 1
    clock.move(700)
    mailbox.list_after(0)
    mailbox.close()
    assert [file.name for file in tmp_path.iterdir()] == ["mbox"]


def test_no_message_comes_twice_after_a_kill_before_the_replacement(tmp_path: Path) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(MAIL)
    # The second name of the file itself, given when it was shorter.
    os.link(folder.path, tmp_path / ".mbox.postrail-before-00000000-3")
    with closing(mailbox_on(folder, MemoryLedger())) as mailbox:
        assert len(mailbox.list_after(0)) == 1
        assert len(mailbox.list_after(0)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["mbox"]


def test_rewriting_keeps_owner_and_rights(tmp_path: Path) -> None:
    folder = Folder("mbox", tmp_path)
    folder.add(MAIL)
    folder.path.chmod(0o640)
    with closing(mailbox_on(folder, MemoryLedger(), after_download="remove")) as mailbox:
        mailbox.finish([mail.uid for mail in mailbox.list_after(0)])
        mailbox.rest()
    assert folder.path.read_bytes() == b""
    assert folder.path.stat().st_mode & 0o777 == 0o640
