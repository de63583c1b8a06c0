"""A large mail on its way from a server to the blob store: in a temporary file, never in memory."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Iterator

from postrail.errors import TransientError

CHUNK_BYTES = 1024 * 1024


@contextlib.contextmanager
def _no_room() -> Iterator[None]:
    """Else it would pass for a fault of the mail or of the connection."""
    try:
        yield
    except OSError as error:
        raise TransientError(
            f"no room for a large mail on disk: {error}",
            setting="TMPDIR",
            remedy="Give the process a folder for temporary files with room for its largest mails",
        ) from error


class Spool:
    """Written once, piece by piece, then read; hashed on the way. Its file has no name."""

    def __init__(self) -> None:
        """Raises TransientError when there is no place for it."""
        with _no_room():
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
        """Appends; raises TransientError when the disk is full."""
        with _no_room():
            self._file.write(piece)
            # Else the last bytes are written, and may find no room, only when they are read.
            self._file.flush()
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


def spooled(pieces: Iterable[bytes]) -> Spool:
    """All pieces in a spool; none is left behind when getting one fails."""
    with contextlib.ExitStack() as faulty:
        spool = faulty.enter_context(contextlib.closing(Spool()))
        for piece in pieces:
            spool.write(piece)
        faulty.pop_all()
    return spool
