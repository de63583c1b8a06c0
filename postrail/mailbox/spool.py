"""Holds a large message in a temporary file on its way from a server to the blob store."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

from postrail.temporary_files import TemporaryFile

CHUNK_BYTES = 1024 * 1024


class Spool:
    """A file without a name, written once by chunks, hashed meanwhile, and then read."""

    def __init__(self) -> None:
        """Raises TransientError when the file cannot be created."""
        self._file = TemporaryFile()
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Returns the SHA-256 of what was written so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    @property
    def closed(self) -> bool:
        """Tells whether the content was released."""
        return self._file.closed

    def write(self, chunk: bytes) -> None:
        """Appends; raises TransientError when the disk is full."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def chunks(self) -> Iterator[bytes]:
        """Yields the content from its start, by chunks of 1 MiB."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Releases the disk space; may be called again."""
        self._file.close()


def spooled(chunks: Iterable[bytes]) -> Spool:
    """Writes all chunks into a spool, which is closed when one of them cannot be read."""
    with contextlib.ExitStack() as on_error:
        spool = on_error.enter_context(contextlib.closing(Spool()))
        for chunk in chunks:
            spool.write(chunk)
        on_error.pop_all()
    return spool
