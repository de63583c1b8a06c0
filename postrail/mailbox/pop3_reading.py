"""What is taken of one mail of a POP3 session: its header, or all of it, in memory or on disk."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable

from postrail.errors import TransientError
from postrail.mailbox.pop3_dialogue import Dialogue
from postrail.mailbox.spool import Spool


def header(dialogue: Dialogue, place: int) -> bytes:
    """Its header."""
    return b"".join(dialogue.pieces(f"TOP {place} 0"))


def spooled(dialogue: Dialogue, place: int) -> Spool:
    """The whole mail, on disk."""
    return _kept_on_disk(dialogue.pieces(f"RETR {place}"))


def small_or_spooled(dialogue: Dialogue, place: int) -> bytes | Spool:
    """What is more than a piece goes to disk: sizes that servers tell may be wrong by far."""
    pieces = dialogue.pieces(f"RETR {place}")
    first = next(pieces)
    second = next(pieces, None)
    return first if second is None else _kept_on_disk(itertools.chain([first, second], pieces))


def _kept_on_disk(pieces: Iterable[bytes]) -> Spool:
    with contextlib.ExitStack() as faulty:
        spool = faulty.enter_context(contextlib.closing(Spool()))
        for piece in pieces:
            try:
                spool.write(piece)
            except OSError as error:
                # Else it would pass for a fault of the connection.
                raise TransientError(f"no room for a large mail on disk: {error}") from error
        faulty.pop_all()
    return spool
