"""A large mail on its way from a server to the blob store: in a temporary file, never in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator

CHUNK_BYTES = 1024 * 1024


class Spool:
    """Written once, piece by piece, then read; hashed on the way. Its file has no name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed by close().
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    @property
    def closed(self) -> bool:
        """Whether the content is gone."""
        return self._file.closed

    def write(self, piece: bytes) -> None:
        """Appends; raises OSError when the disk is full."""
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def chunks(self) -> Iterator[bytes]:
        """The content from its start, a MiB at a time."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Gives the disk space back; may be called again."""
        self._file.close()
