"""Saves files of issues in a folder, and nowhere else: names come from strangers."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from postrail.blobs import BlobStore
from postrail.errors import ConfigurationError, PermanentError, os_fault
from postrail.operate.files.names import numbered, safe_name
from postrail.views.issue_detail import AttachmentRow

# Of file systems such as FAT, where a kill may leave an empty file.
WITHOUT_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


class NoSuchFile(PermanentError):
    """The issue has no file with this id or name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedFile:
    """A file of an issue, and its path; or why it could not be saved."""

    attachment_id: int
    name: str
    path: str | None = None
    problem: str = ""


def chosen_files(
    files: Sequence[AttachmentRow], wanted: Sequence[str], issue_key: str
) -> list[AttachmentRow]:
    """Returns the files with these ids or names; all without any. Raises NoSuchFile."""
    for one in wanted:
        if not any(one in (str(file.attachment_id), file.name) for file in files):
            raise NoSuchFile(
                f"{issue_key} has no file {one!r}",
                remedy=f"List them with: postrail issues attachments list {issue_key}; from your"
                f" disk, first: postrail issues attachments add {issue_key} FILE",
            )
    return [
        file
        for file in files
        if not wanted or str(file.attachment_id) in wanted or file.name in wanted
    ]


async def save_files(
    files: Sequence[AttachmentRow], folder: Path, blobs: BlobStore
) -> list[SavedFile]:
    """Saves the files in a folder, which is made if it is missing; existing files stay as they are.

    A file that the blob store lacks, or has with another content, keeps no other. Raises
    ConfigurationError for a folder that cannot be used, and TransientError for a full disk and a
    blob store that is unavailable.
    """
    with _opened(folder) as descriptor:
        return [await _save(one, folder, descriptor, blobs) for one in files]


async def _save(one: AttachmentRow, folder: Path, descriptor: int, blobs: BlobStore) -> SavedFile:
    try:
        with _PartialFile(descriptor) as partial:
            await blobs.read_into(one.sha256, partial)
            partial.require(one)
            name = partial.become(safe_name(one.name))
    except PermanentError as error:
        return SavedFile(attachment_id=one.attachment_id, name=one.name, problem=error.problem)
    return SavedFile(attachment_id=one.attachment_id, name=one.name, path=str(folder / name))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Opens the folder: files are saved in it even if its path becomes another's meanwhile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be used: {error.strerror}",
            remedy="Name a folder that you may write to, with --to",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class _PartialFile:
    """A file under a temporary name until its content is complete; otherwise it is removed."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._name = f".postrail-{secrets.token_hex(8)}.part"
        self._hash = hashlib.sha256()
        with _faults():
            self._file = os.fdopen(self._create(self._name), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What a failed write left in the buffer fails again, and is of no use.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._folder)

    def write(self, data: bytes) -> None:
        """Appends the data; raises TransientError for a full disk."""
        self._hash.update(data)
        with _faults():
            self._file.write(data)

    def require(self, one: AttachmentRow) -> None:
        """Raises PermanentError unless the content is that of the attachment."""
        if self._hash.hexdigest() != one.sha256:
            raise PermanentError(f"the blob {one.sha256} has another content than was received")

    def become(self, name: str) -> str:
        """Gives the file this name, or a numbered one that the folder does not have; returns it."""
        with _faults():
            self._file.flush()
            os.fsync(self._file.fileno())
            for free in numbered(name):
                with contextlib.suppress(FileExistsError):
                    self._link(free)
                    return free
        raise AssertionError("numbers do not end")

    def _link(self, free: str) -> None:
        """Adds the name, which replaces no file and never has a part of the content.

        The temporary name goes when the context is left.
        """
        folder = self._folder
        try:
            os.link(self._name, free, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            os.close(self._create(free))
            os.replace(self._name, free, src_dir_fd=folder, dst_dir_fd=folder)

    def _create(self, name: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return os.open(name, flags, 0o666, dir_fd=self._folder)


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Raises InstallationFault for OSError, which the blob store would take for its own fault."""
    try:
        yield
    except OSError as error:
        raise os_fault(error) from error
