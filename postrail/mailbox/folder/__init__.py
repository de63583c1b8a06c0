"""Reads messages from files on this machine: a maildir, a folder of .eml files, or an mbox.

`mailbox` has what the three kinds share, and each kind has a module of its own. The fetcher, the
doctor and `mailbox.trial` use them. Blocking: one thread at a time, but `close` may come from
another. Other programs add, mark and remove messages in the same files at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol
from urllib.parse import quote_from_bytes

from postrail.mailbox.spool import CHUNK_BYTES, Spool


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A complete message in a file, and the key that identifies it for good."""

    key: str
    size: int
    received_at: datetime | None
    # Mail readers show it as seen; False where the files have no such mark.
    seen: bool = False


class Place(Protocol):
    """One kind of place that holds messages. Raises OSError as the files do."""

    @property
    def can_mark_seen(self) -> bool:
        """Tells whether messages can be marked as seen here."""

    def list_messages(self) -> list[StoredMessage]:
        """Lists all complete messages, in the order in which they came."""

    def read(self, key: str) -> bytes | None:
        """Reads a listed message; returns None when it is gone, or another one has its name."""

    def spool(self, key: str) -> Spool | None:
        """Reads a large message to disk, as `read` does."""

    def read_header(self, key: str) -> bytes | None:
        """Reads the header, with the blank line that ends it."""

    def finish(self, keys: Sequence[str]) -> bool:
        """Marks, removes or moves, as the account asks; returns False if that waits for `rest`."""

    def rest(self) -> None:
        """Does what waits. Raises MailboxUnavailable when another program holds the lock."""

    def close(self) -> None:
        """Closes all files."""


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yields the rest of the file, by chunks of 1 MiB."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def quoted(name: str | bytes) -> str:
    """Quotes a file name of any bytes, so that logs, tables and keys can hold it."""
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    return quote_from_bytes(raw, safe="/+,=@:;!()[]'")


def time_of(seconds: float) -> datetime | None:
    """Returns a file's time; None when it is outside of the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def header_of(content: bytes) -> bytes:
    """Returns the content up to the first blank line, with that line, or all of it."""
    ends = [
        place + len(blank)
        for blank in (b"\r\n\r\n", b"\n\n")
        if (place := content.find(blank)) >= 0
    ]
    return content[: min(ends)] if ends else content
