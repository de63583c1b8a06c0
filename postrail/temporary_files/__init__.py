"""Temporary files for large content, whose faults name their folder: a full disk is waited for."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from typing import Self

from postrail.errors import TransientError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class NoTemporaryFile(TransientError):
    """The folder for temporary files is full, or cannot be used."""


class TemporaryFile:
    """A file without a name, which is gone when it is closed or its process ends."""

    def __init__(self) -> None:
        """Raises NoTemporaryFile when the file cannot be created."""
        with _faults():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed by close().

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Tells whether the content was released."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Appends and returns the number of bytes; raises NoTemporaryFile when the disk is full."""
        with _faults():
            written = self._file.write(data)
            # Otherwise a full disk might show only when the content is read.
            self._file.flush()
        return written

    def seek(self, offset: int) -> int:
        """Continues at this offset."""
        return self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        """Returns at most `size` bytes, or all that follow."""
        return self._file.read(size)

    def fileno(self) -> int:
        """Returns the descriptor, to map the file into memory."""
        return self._file.fileno()

    def close(self) -> None:
        """Releases the disk space; may be called again."""
        # What a failed write left in the buffer fails again, and is of no use.
        with contextlib.suppress(OSError):
            self._file.close()


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Raises NoTemporaryFile for OSError, which callers may take for a broken connection."""
    try:
        yield
    except OSError as error:
        full = error.errno in DISK_FULL
        raise NoTemporaryFile(
            f"the folder for temporary files {_folder()}"
            + (" has no space left" if full else f" cannot be used: {error}"),
            setting="TMPDIR",
            remedy="Free space there, or set it to a folder with space for the largest messages."
            " The work goes on by itself once there is space",
        ) from error


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        # None of those that were tried can be written to; the error lists them.
        return ""
