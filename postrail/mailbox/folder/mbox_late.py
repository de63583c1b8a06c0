"""What other programs write into an mbox file that has been replaced.

Who opened it before and got its lock after that appends to a file that has no name any more. So it
keeps one, hidden beside the new file, with the size that it had; what is beyond that came late.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from postrail.clock import Clock
from postrail.mailbox.folder.finished_files import UNCHANGED_SECONDS

# Delivery agents wait for a lock for some seconds up to a few minutes.
KEEP_SECONDS = 600.0


class LateMail:
    """The earlier files of one mbox."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._prefix = f".{path.name}.postrail-before-"
        self._clock = clock

    def keep(self, size: int) -> None:
        """Gives the file that is about to be replaced a second name."""
        os.link(self._path, self._path.with_name(f"{self._prefix}{secrets.token_hex(4)}-{size}"))

    def is_there(self) -> bool:
        """Whether earlier files have to be looked after."""
        return bool(self._files())

    def carry_over(self, mbox: BinaryIO) -> None:
        """Appends what came late, and removes files that nobody can have open any more.

        Killed in between, it appends once more: the same mail twice, which is recognised.
        """
        now = self._clock.now().timestamp()
        for path, size in self._files():
            status = path.stat()
            if os.path.samestat(status, os.fstat(mbox.fileno())):
                # It was named, and a kill came before it was replaced.
                path.unlink()
            elif status.st_size > size and now - status.st_mtime > UNCHANGED_SECONDS:
                _append(path, size, mbox)
                path.rename(self._named(path, status.st_size))
            elif status.st_size <= size and now - status.st_ctime > KEEP_SECONDS:
                path.unlink()

    def _files(self) -> list[tuple[Path, int]]:
        try:
            names = os.listdir(self._path.parent)  # noqa: PTH208  Names are all that is needed.
        except PermissionError:
            # A folder that may only be passed through; then nothing was replaced there either.
            return []
        ours = [name for name in names if name.startswith(self._prefix)]
        sizes = [(name, name.rpartition("-")[2]) for name in ours]
        return [(self._path.with_name(name), int(size)) for name, size in sizes if size.isdecimal()]

    def _named(self, path: Path, size: int) -> Path:
        return path.with_name(f"{path.name.rpartition('-')[0]}-{size}")


def end_line(mbox: BinaryIO) -> None:
    """Goes to the end of the file, where a new line begins."""
    if mbox.seek(0, 2) and mbox.seek(-1, 2) and mbox.read(1) != b"\n":
        mbox.write(b"\n")


def _append(path: Path, start: int, mbox: BinaryIO) -> None:
    with path.open("rb") as late:
        late.seek(start)
        end_line(mbox)
        while chunk := late.read(1024 * 1024):
            mbox.write(chunk)
    mbox.flush()
    os.fsync(mbox.fileno())
