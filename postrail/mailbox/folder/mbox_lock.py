"""The locks of an mbox, as delivery agents and mail readers take them: a lock file, and fcntl.

Both, or whoever locks in one way only would not be kept out. Neither is waited for without an end,
so that it does no harm that others take them in the other order (Debian policy, 11.6).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from postrail.mailbox import MailboxUnavailable

WAIT_SECONDS = 10.0
TRY_AGAIN_SECONDS = 0.1
# A lock file that is older was left behind (RFC 4155 and most programs: some minutes).
STALE_SECONDS = 300.0
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)

# The lock files that this process holds: one with our process id and not among them is left over.
_held: set[Path] = set()


@contextlib.contextmanager
def locked(path: Path, *, to_write: bool) -> Iterator[BinaryIO]:
    """The open file, under both locks. Raises MailboxUnavailable when others hold them for long.

    For reading, a folder that we may not write into has to do without the lock file.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    with _lock_file(path, give_up_at, needed=to_write):
        while True:
            with path.open("r+b" if to_write else "rb") as file:
                _lock(file, path, give_up_at, fcntl.LOCK_EX if to_write else fcntl.LOCK_SH)
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    yield file
                    return
                # Another program has put a new file in its place while we waited.


@contextlib.contextmanager
def _lock_file(path: Path, give_up_at: float, *, needed: bool) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    try:
        while not _made(lock):
            _wait(path, give_up_at)
    except OSError as error:
        if needed or error.errno not in NOT_WRITABLE:
            raise
        yield
        return
    _held.add(lock)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        _held.discard(lock)


def _made(lock: Path) -> bool:
    """Whether the lock file is ours now; one that was left behind is removed on the way."""
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        if _left_behind(lock):
            lock.unlink(missing_ok=True)
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{os.getpid()} {socket.gethostname()}\n")
    return True


def _left_behind(lock: Path) -> bool:
    try:
        age = time.time() - lock.stat().st_mtime
        holder, _, host = lock.read_text(errors="replace").strip().partition(" ")
    except FileNotFoundError:
        return True
    if age > STALE_SECONDS:
        return True
    if host != socket.gethostname() or not holder.isdecimal():
        return False
    if int(holder) == os.getpid():
        return lock not in _held
    return not Path(f"/proc/{holder}").exists() and Path("/proc/self").exists()


def _lock(file: BinaryIO, path: Path, give_up_at: float, kind: int) -> None:
    while True:
        try:
            fcntl.lockf(file, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            _wait(path, give_up_at)
        else:
            return


def _wait(path: Path, give_up_at: float) -> None:
    if time.monotonic() > give_up_at:
        raise MailboxUnavailable(
            f"{path} is locked by another program for longer than {WAIT_SECONDS:.0f} s",
            remedy=f"Find what holds it, or remove {path}.lock if nothing does",
        )
    time.sleep(TRY_AGAIN_SECONDS)
