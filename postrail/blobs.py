"""The blob store: content under its SHA-256, and the archive of raw messages by day and mailbox.

It is a folder (`file:///…`) when embedded and a bucket in production, both by obstore. Before a
process writes a record or a row that names a blob, it puts the blob, even if it is stored already:
each `put` renews the time of the last write, from which `postrail.operate.blob_collector` knows
what is in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from postrail.clock import Clock
from postrail.errors import ConfigurationError, PermanentError, TransientError
from postrail.records import BlobReference

SETTING = "POSTRAIL_BLOBS__URL"
REMEDY = "Check that the store exists and that this process may write to it"
FORMS = "Use file:///folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix"
# What obstore says of ENOSPC and EDQUOT.
FULL = re.compile(r"os error (28|122)\b")
# A stage pauses and retries by itself; longer attempts here would only delay its stop.
RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
LIST_PAGE = 1000
# The smallest part that S3 accepts. Memory holds PARTS_AT_ONCE of them per upload.
PART_BYTES = 5 * 1024 * 1024
PARTS_AT_ONCE = 2
# All but the characters that every store and file system accepts in a path.
UNSAFE = re.compile(r"[^A-Za-z0-9@+_.-]")
SHA256_NAME = re.compile(r"[0-9a-f]{64}")
ARCHIVE_NAME_MAX = 100


class BlobMissing(PermanentError):
    """The blob store works and has other blobs, but lacks this one."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob in a listing of the store."""

    sha256: str
    size: int
    written_at: datetime


class Writable(Protocol):
    """A file that content is written to; its faults are its own, and no OSErrors."""

    def write(self, data: bytes, /) -> object:
        """Appends the data."""


class WritesBlobs(Protocol):
    """The part of the blob store that writes content under its SHA-256; tests have one in memory.

    Every method raises TransientError while the store is unavailable.
    """

    async def put_chunks(self, reference: BlobReference, chunks: Iterable[bytes]) -> None:
        """Writes content under the SHA-256 that it is known to have."""


class ReadsBlobs(WritesBlobs, Protocol):
    """The part of the blob store that the parser needs."""

    async def read_into(self, sha256: str, file: Writable) -> None:
        """Writes the content to a file; raises BlobMissing when the store does not have it."""


class ArchivesMessages(WritesBlobs, Protocol):
    """The part of the blob store that the fetcher needs."""

    async def archive(
        self, day: date, mailbox: str, mail_id: str, size: int, chunks: Iterable[bytes]
    ) -> None:
        """Writes a raw message under its day and mailbox."""


class BlobStore:
    """Reads and writes blobs. Its faults are TransientErrors that name the setting to check."""

    def __init__(self, url: str, clock: Clock | None = None, *, create: bool = True) -> None:
        """Creates a missing folder of a file:// URL, if it may; raises ConfigurationError.

        Blobs in a folder get the times of `clock`, not those of the machine; a bucket has its own.
        """
        self.url = url
        self._store = _open(url, create)
        self._clock = clock

    async def put(self, data: bytes) -> BlobReference:
        """Writes content under its SHA-256; existing content gets a new time of last write."""
        sha256 = hashlib.sha256(data).hexdigest()
        with self._faults():
            await obstore.put_async(self._store, _blob_path(sha256), data)
            self._date(_blob_path(sha256))
        return BlobReference(sha256=sha256, size=len(data))

    async def put_chunks(self, reference: BlobReference, chunks: Iterable[bytes]) -> None:
        """Writes content under its known SHA-256, in parts when it is large."""
        await self._put_chunks(_blob_path(reference.sha256), reference.size, chunks)

    async def get(self, sha256: str) -> bytes:
        """Returns the content; raises BlobMissing when the store lacks only this blob."""
        async with self._found(sha256):
            found = await obstore.get_async(self._store, _blob_path(sha256))
            return bytes(await found.bytes_async())

    async def get_beginning(self, sha256: str, length: int) -> bytes:
        """Returns the first bytes of content that has as many; raises BlobMissing as `get` does."""
        async with self._found(sha256):
            found = await obstore.get_range_async(
                self._store, _blob_path(sha256), start=0, length=length
            )
            return bytes(found)

    async def read_into(self, sha256: str, file: Writable) -> None:
        """Writes the content to a file; raises BlobMissing as `get` does."""
        async with self._found(sha256):
            await self._read_into(_blob_path(sha256), file)

    async def read_archived(self, day: date, mailbox: str, mail_id: str, file: Writable) -> bool:
        """Writes an archived message to a file; returns False when the archive lacks it."""
        with contextlib.suppress(NotFoundError, FileNotFoundError), self._faults(gone=True):
            await self._read_into(_archive_path(day, mailbox, mail_id), file)
            return True
        return False

    async def _read_into(self, path: str, file: Writable) -> None:
        found = await obstore.get_async(self._store, path)
        async for chunk in found.stream(PART_BYTES):
            file.write(chunk)

    @contextlib.asynccontextmanager
    async def _found(self, sha256: str) -> AsyncIterator[None]:
        try:
            with self._faults():
                yield
        except TransientError as error:
            if not isinstance(error.__cause__, NotFoundError | FileNotFoundError):
                raise
            await self._require_any(error)
            raise BlobMissing(f"there is no blob {sha256}") from error

    async def _require_any(self, error: TransientError) -> None:
        """Raises TransientError for an empty store: it is not mounted, or the wrong one."""
        with self._faults():
            async for _ in obstore.list(self._store, "blobs", chunk_size=1):
                return
        raise TransientError(
            f"the blob store {self.url} is empty",
            setting=SETTING,
            remedy="Check that it is mounted, and that all processes use the same one",
        ) from error

    async def check(self) -> None:
        """Writes, reads and removes a small object; raises TransientError when that fails."""
        with self._faults():
            await obstore.put_async(self._store, "check", b"postrail")
            await obstore.get_async(self._store, "check")
        await self._delete("check")

    async def time(self) -> datetime:
        """Returns the store's own time, by which it notes last writes: writes a small object."""
        with self._faults():
            await obstore.put_async(self._store, "time", b"postrail")
            meta = await obstore.head_async(self._store, "time")
        return meta["last_modified"]

    async def list_blobs(self) -> AsyncIterator[list[StoredBlob]]:
        """Lists all blobs, in pages of at most a thousand."""
        pages = obstore.list(self._store, "blobs", chunk_size=LIST_PAGE).__aiter__()
        while True:
            with self._faults():
                page = await anext(pages, None)
            if page is None:
                return
            if blobs := [_stored(meta) for meta in page if SHA256_NAME.fullmatch(_name(meta))]:
                yield blobs

    async def written_at(self, sha256: str) -> datetime | None:
        """Returns the time of the blob's last write; None when it is missing."""
        with contextlib.suppress(NotFoundError, FileNotFoundError), self._faults(gone=True):
            meta = await obstore.head_async(self._store, _blob_path(sha256))
            return meta["last_modified"]
        return None

    async def delete(self, sha256: str) -> None:
        """Removes a blob, if it is still there."""
        await self._delete(_blob_path(sha256))

    async def _delete(self, path: str) -> bool:
        """Removes an object; returns whether it was still there."""
        with contextlib.suppress(NotFoundError, FileNotFoundError), self._faults(gone=True):
            await obstore.delete_async(self._store, path)
            return True
        return False

    async def archive(
        self, day: date, mailbox: str, mail_id: str, size: int, chunks: Iterable[bytes]
    ) -> None:
        """Stores a raw message under its day and mailbox; a repeated message replaces itself."""
        await self._put_chunks(_archive_path(day, mailbox, mail_id), size, chunks)

    async def _put_chunks(self, path: str, size: int, chunks: Iterable[bytes]) -> None:
        with self._faults():
            if size <= PART_BYTES:
                await obstore.put_async(self._store, path, b"".join(chunks))
            else:
                await obstore.put_async(
                    self._store,
                    path,
                    chunks,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
            self._date(path)

    def _date(self, path: str) -> None:
        """Sets a file's time of last write: a machine's clock may be wrong, or corrected later."""
        if self._clock is not None and isinstance(self._store, LocalStore):
            seconds = self._clock.now().timestamp()
            os.utime(Path(str(self._store.prefix), path), (seconds, seconds))

    async def expire_archive(self, days: int, today: date) -> int:
        """Removes messages archived `days` or more days ago; returns their number.

        One that cannot be removed keeps no other: its TransientError is raised after them.
        """
        removed, faults = 0, list[TransientError]()
        async for path in self._archived_until(today - timedelta(days=days)):
            try:
                removed += await self._delete(path)
            except TransientError as error:
                # Raises the fault of a store that is unavailable for all.
                await self.check()
                faults.append(error)
        if faults:
            raise faults[0]
        return removed

    async def _archived_until(self, last_day: date) -> AsyncIterator[str]:
        with self._faults():
            found = await obstore.list_with_delimiter_async(self._store, "archive/")
            for prefix in found["common_prefixes"]:
                if _expired(prefix, last_day):
                    async for page in obstore.list(self._store, prefix, chunk_size=LIST_PAGE):
                        for meta in page:
                            yield meta["path"]

    @contextlib.contextmanager
    def _faults(self, *, gone: bool = False) -> Iterator[None]:
        """Raises TransientError for obstore's errors; with `gone`, a missing object's unchanged."""
        try:
            yield
        except (BaseError, OSError) as error:
            if gone and isinstance(error, NotFoundError | FileNotFoundError):
                raise
            raise _fault(self.url, error) from error


def _fault(url: str, error: Exception) -> TransientError:
    if not FULL.search(str(error)):
        return TransientError(
            f"the blob store {url}: {_first_line(error)}", setting=SETTING, remedy=REMEDY
        )
    return TransientError(
        f"the blob store {url} has no space left",
        setting=SETTING,
        remedy="Free space there, or enlarge it. The work goes on by itself once there is space",
    )


def folder_of(url: str) -> Path | None:
    """Returns the folder of a file:// URL; None for a bucket."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _open(url: str, create: bool) -> ObjectStore:
    options: dict[str, Any] = {"retry_config": RETRIES}
    if url.startswith("file:"):
        folder = folder_of(url)
        if not create and folder and not folder.is_dir():
            raise ConfigurationError(
                f"the folder of the blob store {url} does not exist",
                setting=SETTING,
                remedy="Correct the path; a service that starts with it creates the folder",
            )
        # Empty folders, of expired days and collected blobs, are removed as well.
        options = {"mkdir": create, "automatic_cleanup": True}
    elif url.startswith("memory:"):
        options = {}
    try:
        return from_url(url, **options)
    except (BaseError, OSError, ValueError) as error:
        remedy = REMEDY if isinstance(error, OSError) else FORMS
        raise ConfigurationError(
            f"the blob store {url}: {_first_line(error)}", setting=SETTING, remedy=remedy
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or repr(error)


def _blob_path(sha256: str) -> str:
    # Two hexadecimal digits spread the blobs over 256 folders, which keeps each folder small.
    return f"blobs/{sha256[:2]}/{sha256}"


def _archive_path(day: date, mailbox: str, mail_id: str) -> str:
    return f"archive/{day.isoformat()}/{_safe(mailbox)}/{_safe(mail_id)}.eml"


def _name(meta: Any) -> str:
    return str(meta["path"]).rpartition("/")[2]


def _stored(meta: Any) -> StoredBlob:
    return StoredBlob(_name(meta), meta["size"], meta["last_modified"])


def _safe(name: str) -> str:
    """Returns the name as one part of a path: never empty, "." or "..", and without a slash."""
    return UNSAFE.sub("_", name)[:ARCHIVE_NAME_MAX].replace("..", "__").strip(".") or "_"


def _expired(prefix: str, last_day: date) -> bool:
    try:
        day = date.fromisoformat(prefix.rstrip("/").rpartition("/")[2])
    except ValueError:
        return False
    return day <= last_day
