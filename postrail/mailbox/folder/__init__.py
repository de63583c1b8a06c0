"""Mail that lies in files on this machine: a maildir, a folder of .eml files, or an mbox.

What is common to the three is in `mailbox`, and each has a module of its own. Blocking, as all
mailboxes; the files are shared with other programs, which add, mark and remove mails at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol
from urllib.parse import quote_from_bytes

from postrail.mailbox.spool import CHUNK_BYTES, Spool

# A mail whose header has not ended by then has none worth waiting for.
HEADER_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A mail that lies there whole, and what names it for good."""

    key: str
    size: int
    received_at: datetime | None
    # Whether mail readers count it as seen; False where the files cannot tell.
    seen: bool = False


class Place(Protocol):
    """One kind of place that holds mails. Raises OSError as the files do."""

    @property
    def can_mark_seen(self) -> bool:
        """Whether mails can be marked as seen here."""

    def list_messages(self) -> list[StoredMessage]:
        """All mails that are there whole, in the order in which they came."""

    def read(self, key: str) -> bytes | None:
        """A mail that was found; None when it is gone, or another one has its name."""

    def spool(self, key: str) -> Spool | None:
        """As `read`, for a large mail."""

    def read_header(self, key: str) -> bytes | None:
        """Its header, with the blank line that ends it."""

    def finish(self, keys: Sequence[str]) -> bool:
        """Marks, removes or moves, as the account wants; False: that waits for `rest`."""

    def rest(self) -> None:
        """Does what waits. Raises MailboxUnavailable when another program does not let us."""

    def close(self) -> None:
        """Lets go of all files."""


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What is left in the file, a MiB at a time."""
    while piece := file.read(CHUNK_BYTES):
        yield piece


def quoted(name: str | bytes) -> str:
    """A file name in letters that logs, tables and keys can hold, whatever its bytes are."""
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    return quote_from_bytes(raw, safe="/+,=@:;!()[]'")


def time_of(seconds: float) -> datetime | None:
    """A file's time; None for those that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def header_of(content: bytes) -> bytes:
    """What comes up to the first blank line, with that line; all if there is none."""
    ends = [
        place + len(blank)
        for blank in (b"\r\n\r\n", b"\n\n")
        if (place := content.find(blank)) >= 0
    ]
    return content[: min(ends)] if ends else content
