"""Locks an mbox as delivery agents and mail readers do: by a lock file, and by fcntl.

It takes both, as some programs use only one. Waiting for either ends after WAIT_SECONDS, so that a
program that takes them in the other order cannot cause a deadlock (Debian policy, 11.6).
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
# An older lock file was left behind (RFC 4155 and most programs assume minutes).
STALE_SECONDS = 300.0
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)

# The lock files of this process; another one with our process id was left behind.
_held: set[Path] = set()


@contextlib.contextmanager
def locked(path: Path, *, to_write: bool) -> Iterator[BinaryIO]:
    """Opens the file under both locks; raises MailboxUnavailable after WAIT_SECONDS.

    In a folder that we may not write into, it reads without the lock file.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    with _lock_file(path, give_up_at, needed=to_write):
        while True:
            with path.open("r+b" if to_write else "rb") as file:
                _lock(file, path, give_up_at, fcntl.LOCK_EX if to_write else fcntl.LOCK_SH)
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    yield file
                    return
                # Another program has replaced the file while we waited.


@contextlib.contextmanager
def _lock_file(path: Path, give_up_at: float, *, needed: bool) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    try:
        while not _created(lock):
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


def _created(lock: Path) -> bool:
    """Returns whether we got the lock file; removes one that was left behind."""
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        if not _left_behind(lock):
            return False
        lock.unlink(missing_ok=True)
        # Without a pause: the time to wait may be over, and nobody holds the lock any more.
        return _created(lock)
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
            f"{path} has been locked by another program for more than {WAIT_SECONDS:.0f} s",
            remedy=f"Find the program that holds the lock; if there is none, remove {path}.lock",
        )
    time.sleep(TRY_AGAIN_SECONDS)
