"""A mail's bytes, looked at where they are: in memory when few, in a file of their own when many.

A large mail is mapped into memory: its pages are the file's, and go when others need the room.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import BinaryIO, TypeAlias

# Both are searched, sliced and matched in the same way; a slice is a copy.
View: TypeAlias = bytes | mmap.mmap
# Up to here reading is cheaper than mapping.
READ_MAX = 1024 * 1024
CHUNK = 256 * 1024


def view_of(file: BinaryIO) -> View:
    """The bytes of a file, which may be closed and removed meanwhile."""
    # What is no plain file, a pipe for example, has no size.
    if os.fstat(file.fileno()).st_size <= READ_MAX:
        return file.read()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def view_of_chunks(chunks: Iterable[bytes], size: int) -> View:
    """The bytes of these chunks, about `size` of them."""
    if size <= READ_MAX:
        return b"".join(chunks)
    with TemporaryFile() as file:
        file.writelines(chunks)
        file.seek(0)
        return view_of(file)


def chunks_of(view: View, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from start to end, a piece after the other; each ends with a line where it can."""
    last = len(view) if end is None else end
    while last - start > CHUNK:
        after = start + CHUNK
        line = view.rfind(b"\n", start, after) + 1 or view.rfind(b"\r", start, after) + 1
        yield view[start : line or after]
        start = line or after
    yield view[start:last]
