"""A disk of a few megabytes that a test fills and frees: a file system in memory, by `mount`."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FILLER = "filler"
BLOCK = b"\0" * 65536


class SmallDisk:
    """A mounted folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, *, leave: int = 0) -> None:
        """Takes all space but about `leave` bytes."""
        with (self.folder / FILLER).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(BLOCK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - leave))

    def free(self) -> None:
        """Gives the space back."""
        (self.folder / FILLER).unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mounts a disk at the folder during the block; skips the test where no one may do that."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={mebibytes}m,mode=0755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
    )
    if any(word in mounted.stderr for word in ("permission", "permitted", "superuser")):
        pytest.skip(f"this machine lets us mount no small disk: {mounted.stderr.strip()}")
    assert mounted.returncode == 0, mounted.stderr
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that is about to end may still have a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
