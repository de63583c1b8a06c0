"""Works on a directory by its descriptor, so that it cannot be replaced meanwhile.

Links in it are not followed: a user who may write there must not make us read other files. Moving
has two steps; if the process is killed between them, a repetition completes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from postrail.mailbox.spool import CHUNK_BYTES

# O_NONBLOCK, as opening a named pipe would wait for its writer.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Another file system, one without hard links, or files of another user
# (fs.protected_hardlinks).
NO_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES)


class Directory:
    """An open directory. All methods raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def at(cls, path: str) -> Directory:
        """Opens the directory that the operator names; its path may lead through links."""
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    @classmethod
    def created_at(cls, base: str, path: str) -> Directory:
        """Opens the directory at an absolute path, or below `base`; creates it when missing."""
        if PurePosixPath(path).is_absolute():
            Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls.at(path)
        directory = cls.at(base)
        for part in PurePosixPath(path).parts:
            with directory:
                directory = directory.below(part, create=True)
        return directory

    def below(self, name: str, *, create: bool = False) -> Directory:
        """Opens a directory in this one; raises OSError for a link."""
        if create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=self._descriptor)
                self.sync()
        return Directory(os.open(name, READ | os.O_DIRECTORY, dir_fd=self._descriptor))

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self._descriptor)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yields the regular files and their status, without hidden ones and links."""
        with os.scandir(self._descriptor) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        yield entry.name, status

    def open(self, name: str) -> BinaryIO:
        """Opens a regular file for reading."""
        descriptor = os.open(name, READ, dir_fd=self._descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is not a regular file", name)
        return os.fdopen(descriptor, "rb")

    def status(self, name: str) -> os.stat_result:
        """Returns a file's status."""
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    def holds(self, name: str) -> bool:
        """Tells whether the name is used."""
        with contextlib.suppress(FileNotFoundError):
            self.status(name)
            return True
        return False

    def rename(self, name: str, target: Directory, new_name: str) -> None:
        """Gives a file another name in one step; raises FileExistsError when that is taken."""
        if target.holds(new_name):
            raise FileExistsError(errno.EEXIST, "is taken", new_name)
        os.rename(name, new_name, src_dir_fd=self._descriptor, dst_dir_fd=target._descriptor)

    def remove(self, name: str) -> None:
        """Removes a file."""
        os.unlink(name, dir_fd=self._descriptor)

    def sync(self) -> None:
        """Makes changes of names durable, where the file system can."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise

    def put(self, name: str, target: Directory, wanted: str) -> None:
        """Links or copies a file into another directory, under a name that is free there.

        To move it, sync the other directory, and then remove it here.
        """
        if os.path.samestat(os.fstat(self._descriptor), os.fstat(target._descriptor)):
            raise OSError(errno.EINVAL, "is the watched folder")
        next(new for new in _names(wanted) if self._put_as(name, target, new))

    def _put_as(self, name: str, target: Directory, new_name: str) -> bool:
        """Returns whether the file is there now; False when another one has that name."""
        if target.holds(new_name):
            # It may be the same file, put there by a process that was killed afterwards.
            return self._same(name, target, new_name)
        try:
            self._link(name, target, new_name)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            return self._copy(name, target, new_name)
        return True

    def _link(self, name: str, target: Directory, new_name: str) -> None:
        os.link(
            name,
            new_name,
            src_dir_fd=self._descriptor,
            dst_dir_fd=target._descriptor,
            follow_symlinks=False,
        )

    def _copy(self, name: str, target: Directory, new_name: str) -> bool:
        """Copies under a hidden name first, so that readers never see half a file."""
        part = f".{secrets.token_hex(8)}.part"
        try:
            self._write_copy(name, target, part)
            try:
                target._link(part, target, new_name)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_LINK:
                    raise
                target.rename(part, target, new_name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                target.remove(part)
        return True

    def _write_copy(self, name: str, target: Directory, new_name: str) -> None:
        descriptor = os.open(new_name, WRITE_NEW, 0o600, dir_fd=target._descriptor)
        with self.open(name) as source, os.fdopen(descriptor, "wb") as copy:
            while chunk := source.read(CHUNK_BYTES):
                copy.write(chunk)
            copy.flush()
            status = os.fstat(source.fileno())
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())

    def _same(self, name: str, target: Directory, new_name: str) -> bool:
        with self.open(name) as ours, target.open(new_name) as theirs:
            if os.path.samestat(os.fstat(ours.fileno()), os.fstat(theirs.fileno())):
                return True
            while chunk := ours.read(CHUNK_BYTES):
                if theirs.read(CHUNK_BYTES) != chunk:
                    return False
            return not theirs.read(1)


def _names(wanted: str) -> Iterator[str]:
    """Yields the name, and then variants with numbers."""
    yield wanted
    stem, ending = os.path.splitext(wanted)  # noqa: PTH122  Names may hold any bytes.
    for number in count(2):
        yield f"{stem}-{number}{ending}"
