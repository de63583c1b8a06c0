"""Reads a message of a POP3 session: its header, or all of it, into memory or to disk."""

from __future__ import annotations

import itertools

from postrail.mailbox.pop3.dialogue import Dialogue
from postrail.mailbox.spool import Spool, spooled


def header(dialogue: Dialogue, place: int) -> bytes:
    """Returns the header, or about 1 MiB of it."""
    chunks = dialogue.chunks(f"TOP {place} 0")
    first = next(chunks)
    # The answer has to be read to its end.
    for _ in chunks:
        pass
    return first


def on_disk(dialogue: Dialogue, place: int) -> Spool:
    """Reads the whole message to disk."""
    return spooled(dialogue.chunks(f"RETR {place}"))


def small_or_spooled(dialogue: Dialogue, place: int) -> bytes | Spool:
    """Reads the whole message; more than a chunk goes to disk, as reported sizes may be wrong."""
    chunks = dialogue.chunks(f"RETR {place}")
    first = next(chunks)
    second = next(chunks, None)
    return first if second is None else spooled(itertools.chain([first, second], chunks))
