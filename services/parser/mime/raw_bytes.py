"""The bytes of a message: in memory when it is small, in a mapped file when it is large.

The pages of a mapped file belong to the kernel, which frees them when other processes need memory.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

from postrail.temporary_files import TemporaryFile

# Both are searched, sliced and matched in the same way; a slice is a copy.
View: TypeAlias = bytes | mmap.mmap
# Up to this size reading is cheaper than mapping.
READ_MAX = 1024 * 1024
CHUNK = 256 * 1024


class OpenFile(Protocol):
    """A file that can be read, or mapped into memory."""

    def fileno(self) -> int:
        """Returns its descriptor."""

    def read(self) -> bytes:
        """Returns the bytes that follow."""


def view_of(file: OpenFile) -> View:
    """Returns the bytes of a file, which may be closed and removed afterwards."""
    # A pipe has no size and is read, too.
    if os.fstat(file.fileno()).st_size <= READ_MAX:
        return file.read()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def view_of_chunks(chunks: Iterable[bytes], size: int) -> View:
    """Returns the bytes of these chunks, about `size` of them.

    Raises TransientError when there is no space for temporary files.
    """
    if size <= READ_MAX:
        return b"".join(chunks)
    with TemporaryFile() as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        return view_of(file)


def chunks_of(view: View, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yields the bytes from start to end in chunks that end with a line where possible."""
    last = len(view) if end is None else end
    while last - start > CHUNK:
        after = start + CHUNK
        line = view.rfind(b"\n", start, after) + 1 or view.rfind(b"\r", start, after) + 1
        yield view[start : line or after]
        start = line or after
    yield view[start:last]


def sha256_of(view: View) -> str:
    """Returns the SHA-256 of the bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    for chunk in chunks_of(view):
        digest.update(chunk)
    return digest.hexdigest()
