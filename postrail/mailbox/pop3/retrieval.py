"""Reads a message of a POP3 session: its header, or all of it, into memory or to disk.

`listed` is the size in LIST, by which it is noticed that a message was cut; see `require_whole`.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable
from typing import TypeVar

from postrail.mailbox.pop3.dialogue import Dialogue, OutOfStep
from postrail.mailbox.spool import Spool, spooled

T = TypeVar("T")
# Reads the message at a place, of this listed size.
Read = Callable[[Dialogue, int, int | None], T]


class CutShort(Exception):
    """A message ended at a line of one dot, and its rest follows as if it were an answer."""

    def __init__(self, read: int, listed: int | None) -> None:
        super().__init__(read, listed)
        self.read = read
        self.listed = listed


def require_whole(dialogue: Dialogue, read: int, listed: int | None) -> None:
    """Raises CutShort unless the message of `read` bytes that was just read is whole."""
    try:
        dialogue.require_whole(read, listed)
    except OutOfStep as error:
        raise CutShort(read, listed) from error


def whole_header(dialogue: Dialogue, place: int, listed: int | None) -> bytes:
    """Returns the header, or about 1 MiB of it; LIST does not give its size."""
    found = header(dialogue, place)
    require_whole(dialogue, len(found), None)
    return found


def header(dialogue: Dialogue, place: int) -> bytes:
    """Returns the header, or about 1 MiB of it, unchecked."""
    chunks = dialogue.chunks(f"TOP {place} 0")
    first = next(chunks)
    # The answer has to be read to its end.
    for _ in chunks:
        pass
    return first


def on_disk(dialogue: Dialogue, place: int, listed: int | None) -> Spool:
    """Reads the whole message to disk."""
    return _spooled_whole(dialogue, dialogue.chunks(f"RETR {place}"), listed)


def small_or_spooled(dialogue: Dialogue, place: int, listed: int | None) -> bytes | Spool:
    """Reads the whole message; more than a chunk goes to disk, as reported sizes may be wrong."""
    chunks = dialogue.chunks(f"RETR {place}")
    first = next(chunks)
    second = next(chunks, None)
    if second is not None:
        return _spooled_whole(dialogue, itertools.chain([first, second], chunks), listed)
    require_whole(dialogue, len(first), listed)
    return first


def _spooled_whole(dialogue: Dialogue, chunks: Iterable[bytes], listed: int | None) -> Spool:
    with contextlib.ExitStack() as on_error:
        spool = on_error.enter_context(contextlib.closing(spooled(chunks)))
        require_whole(dialogue, spool.size, listed)
        on_error.pop_all()
    return spool
