"""What is taken of one mail of a POP3 session: its header, or all of it, in memory or on disk."""

from __future__ import annotations

import itertools

from postrail.mailbox.pop3.dialogue import Dialogue
from postrail.mailbox.spool import Spool, spooled


def header(dialogue: Dialogue, place: int) -> bytes:
    """Its header, or about a MiB of it."""
    pieces = dialogue.pieces(f"TOP {place} 0")
    first = next(pieces)
    # All is taken, as it comes from a dialogue.
    for _ in pieces:
        pass
    return first


def on_disk(dialogue: Dialogue, place: int) -> Spool:
    """The whole mail, on disk."""
    return spooled(dialogue.pieces(f"RETR {place}"))


def small_or_spooled(dialogue: Dialogue, place: int) -> bytes | Spool:
    """What is more than a piece goes to disk: sizes that servers tell may be wrong by far."""
    pieces = dialogue.pieces(f"RETR {place}")
    first = next(pieces)
    second = next(pieces, None)
    return first if second is None else spooled(itertools.chain([first, second], pieces))
