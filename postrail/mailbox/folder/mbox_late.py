"""Copies messages that other programs write into an mbox file after it was replaced.

A program that opened the file before, and got its lock after that, appends to the old file. So the
old file keeps a hidden name beside the new one, with its size; what is beyond that came late.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from postrail.clock import Clock
from postrail.mailbox.folder.finished_files import UNCHANGED_SECONDS
from postrail.mailbox.spool import CHUNK_BYTES

# Delivery agents wait for a lock for seconds, or for a few minutes.
KEEP_SECONDS = 600.0


class LateMail:
    """The earlier files of one mbox."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._prefix = f".{path.name}.postrail-before-"
        self._clock = clock

    def keep(self, size: int) -> None:
        """Gives a hidden name to the file that is about to be replaced."""
        os.link(self._path, self._path.with_name(f"{self._prefix}{secrets.token_hex(4)}-{size}"))

    def is_there(self) -> bool:
        """Tells whether there are earlier files."""
        return bool(self._files())

    def copy_over(self, mbox: BinaryIO) -> None:
        """Appends what came late, and removes files that no program can have open any more.

        If the process is killed in between, the same message is appended twice, which is
        recognized.
        """
        now = self._clock.now().timestamp()
        for path, size in self._files():
            status = path.stat()
            if os.path.samestat(status, os.fstat(mbox.fileno())):
                # The process was killed after naming it and before replacing it.
                path.unlink()
            elif status.st_size > size and now - status.st_mtime > UNCHANGED_SECONDS:
                _append(path, size, mbox)
                path.rename(self._named(path, status.st_size))
            elif status.st_size <= size and now - status.st_ctime > KEEP_SECONDS:
                path.unlink()

    def _files(self) -> list[tuple[Path, int]]:
        try:
            names = os.listdir(self._path.parent)  # noqa: PTH208  Only names are needed.
        except PermissionError:
            # We may not list the folder, so we have not replaced a file there either.
            return []
        ours = [name for name in names if name.startswith(self._prefix)]
        sizes = [(name, name.rpartition("-")[2]) for name in ours]
        return [(self._path.with_name(name), int(size)) for name, size in sizes if size.isdecimal()]

    def _named(self, path: Path, size: int) -> Path:
        return path.with_name(f"{path.name.rpartition('-')[0]}-{size}")


def end_line(mbox: BinaryIO) -> None:
    """Goes to the end of the file, and ends the last line there."""
    if mbox.seek(0, 2) and mbox.seek(-1, 2) and mbox.read(1) != b"\n":
        mbox.write(b"\n")


def _append(path: Path, start: int, mbox: BinaryIO) -> None:
    with path.open("rb") as late:
        late.seek(start)
        end_line(mbox)
        while chunk := late.read(CHUNK_BYTES):
            mbox.write(chunk)
    mbox.flush()
    os.fsync(mbox.fileno())
