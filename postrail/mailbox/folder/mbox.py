"""Reads an mbox file, to which other programs append messages.

Messages are removed all at once, at the end of a poll: a new file replaces the old one in one step,
under lock. A program that had opened the old one and waited for the lock still writes into that: so
it is kept beside the new one for KEEP_SECONDS, and what comes late is copied over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.folder import StoredMessage, header_of, quoted, time_of
from postrail.mailbox.folder.finished_files import FinishedFiles
from postrail.mailbox.folder.mbox_file import (
    Span,
    beginning_of,
    content_of,
    message_chunks,
    spans,
)
from postrail.mailbox.folder.mbox_late import LateMail, end_line
from postrail.mailbox.folder.mbox_lock import locked
from postrail.mailbox.spool import CHUNK_BYTES, Spool, spooled
from postrail.observe.log import log

logger = log(__name__)

Signature = tuple[int, int, int]
T = TypeVar("T")


class Mbox:
    """The messages of one mbox."""

    can_mark_seen = False

    def __init__(self, account: MailAccount, clock: Clock) -> None:
        self._account = account
        # The file itself, where the path is a link, as it is going to be replaced.
        self._path = Path(os.path.realpath(account.path))
        self._finished_files = FinishedFiles(clock)
        self._late = LateMail(self._path, clock)
        self._signature: Signature | None = None
        self._spans: dict[str, Span] = {}
        self._waiting: set[str] = set()

    def list_messages(self) -> list[StoredMessage]:
        if self._late.is_there():
            with locked(self._path, to_write=True) as file:
                self._late.copy_over(file)
        with locked(self._path, to_write=False) as file:
            self._find(file)
            status = os.fstat(file.fileno())
        mails = list(self._spans.values())
        if mails and not self._finished_files.is_finished(self._path.name, status):
            # The last message may be incomplete: some programs write without a lock.
            mails.pop()
        return [_found(span, status) for span in mails]

    def _find(self, file: BinaryIO) -> None:
        """Finds the messages again when the file has changed."""
        signature = _signature(file)
        if signature != self._signature:
            self._spans = {span.key: span for span in spans(file)}
            self._signature = signature

    def read(self, key: str) -> bytes | None:
        return self._read(key, content_of)

    def spool(self, key: str) -> Spool | None:
        return self._read(key, lambda file, span: spooled(message_chunks(file, span)))

    def read_header(self, key: str) -> bytes | None:
        content = self._read(key, beginning_of)
        return None if content is None else header_of(content)

    def _read(self, key: str, read: Callable[[BinaryIO, Span], T]) -> T | None:
        """Reads without a lock while the file is unchanged, as locking is slower than reading."""
        with self._path.open("rb") as file:
            span = self._spans.get(key)
            if span is not None and _signature(file) == self._signature:
                content = read(file, span)
                if _signature(file) == self._signature:
                    return content
        with locked(self._path, to_write=False) as file:
            self._find(file)
            span = self._spans.get(key)
            return None if span is None else read(file, span)

    def finish(self, keys: Sequence[str]) -> bool:
        if self._account.after_download in ("seen", "leave"):
            return True
        self._require_writable()
        self._waiting |= set(keys)
        return False

    def _require_writable(self) -> None:
        """Raises PermissionError where `rest` could do nothing."""
        for path in (self._path, self._path.parent):
            if not os.access(path, os.W_OK):
                raise PermissionError(13, "may not be written", quoted(os.fsencode(path)))

    def rest(self) -> None:
        if not self._waiting:
            return
        try:
            with locked(self._path, to_write=True) as file:
                self._remove_waiting(file)
        except OSError as error:
            # The messages are recorded already, and the next ones must not wait for this.
            logger.warning(
                "mails stay in the mailbox as they are",
                mailbox=self._account.name,
                reason=f"{quoted(os.fsencode(self._path))} cannot be rewritten: {error.strerror}",
            )

    def _remove_waiting(self, file: BinaryIO) -> None:
        self._find(file)
        gone = removable(list(self._spans.values()), self._waiting)
        if gone and self._account.after_download == "move":
            append(file, gone, self._target())
        if gone:
            self._replace(file, gone)
        self._waiting = (self._waiting & self._spans.keys()) - {span.key for span in gone}

    def _target(self) -> Path:
        target = self._path.parent / self._account.move_to
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600)
        if target.samefile(self._path):
            raise OSError(22, "is the watched file")
        return target

    def _replace(self, file: BinaryIO, gone: Iterable[Span]) -> None:
        """Replaces the file by one without these messages."""
        size = os.fstat(file.fileno()).st_size
        new = self._path.with_name(f".{self._path.name}.postrail-new")
        try:
            with new.open("wb") as output:
                for start, end in kept(gone, size):
                    copy(file, start, end, output)
                output.flush()
                _copy_status(file, output)
                os.fsync(output.fileno())
            self._late.keep(size)
            new.replace(self._path)
        finally:
            new.unlink(missing_ok=True)
        sync(self._path.parent)

    def close(self) -> None:
        """Does nothing: no file stays open."""


def _signature(file: BinaryIO) -> Signature:
    """Returns what changes with the file; mail readers reset its time of modification."""
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_size, status.st_ctime_ns


def removable(mails: Sequence[Span], wanted: set[str]) -> list[Span]:
    """Returns the wanted messages that may go: of equal ones the last first, as keys count them."""
    staying: set[str] = set()
    gone = []
    for span in reversed(mails):
        if span.key in wanted and span.digest not in staying:
            gone.append(span)
        else:
            staying.add(span.digest)
    return gone[::-1]


def kept(gone: Iterable[Span], size: int) -> list[tuple[int, int]]:
    """Returns the ranges between the messages that go."""
    ranges, start = [], 0
    for span in gone:
        ranges.append((start, span.start))
        start = span.end
    return [*ranges, (start, size)]


def copy(source: BinaryIO, start: int, end: int, output: BinaryIO) -> None:
    """Copies a range of bytes."""
    source.seek(start)
    while start < end and (chunk := source.read(min(CHUNK_BYTES, end - start))):
        output.write(chunk)
        start += len(chunk)


def append(source: BinaryIO, mails: Iterable[Span], target: Path) -> None:
    """Appends messages as they are to another mbox.

    If this process is killed right after it, the next one appends them again: two copies are
    better than none.
    """
    with locked(target, to_write=True) as output:
        before = output.seek(0, 2)
        end_line(output)
        try:
            for span in mails:
                copy(source, span.start, span.end, output)
                if span.content_end == span.end:
                    # The last message of a file may lack the blank line after it.
                    output.write(b"\n")
            output.flush()
            os.fsync(output.fileno())
        except OSError:
            # After half of a message, the next one would become a part of it.
            os.ftruncate(output.fileno(), before)
            raise


def sync(folder: Path) -> None:
    """Makes changes of names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_status(old: BinaryIO, new: BinaryIO) -> None:
    """Copies owner and rights, which the programs that deliver there need.

    Copies the time too, which shows whether the last message is still being written.
    """
    status, given = os.fstat(old.fileno()), os.fstat(new.fileno())
    os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
    if (status.st_uid, status.st_gid) != (given.st_uid, given.st_gid):
        os.fchown(new.fileno(), status.st_uid, status.st_gid)
    os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))


def _found(span: Span, status: os.stat_result) -> StoredMessage:
    written = time_of(status.st_mtime)
    times = [time for time in (span.received_at, written) if time is not None]
    return StoredMessage(span.key, span.size, min(times, default=None))
