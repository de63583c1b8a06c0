"""The data folder of an installation: its lock, its secret key and its name."""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import secrets
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from postrail.embedded.processes import write_atomically
from postrail.errors import ConfigurationError

LOCK_FILE = "lock"
KEYS_FILE = "secret.keys"
NAME_FILE = "instance.name"


def lock_folder(folder: Path) -> ExitStack:
    """Locks the folder for this process until the result is closed, or the process ends.

    Raises ConfigurationError that names the process that has the lock, and since when.
    """
    with ExitStack() as locked:
        file = locked.enter_context((folder / LOCK_FILE).open("a+", encoding="utf-8"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _lock_folder_itself(folder, locked)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise ConfigurationError(
                f"{folder} is in use by {holder}",
                remedy="Stop that process first, or choose another folder with --data",
                setting="POSTRAIL_DATA",
            ) from error
        file.truncate(0)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        file.write(f"process {os.getpid()} since {now}\n")
        file.flush()
        return locked.pop_all()


def _lock_folder_itself(folder: Path, locked: ExitStack) -> None:
    """Locks the folder beside its file, which can be removed while the process runs."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    locked.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        # NFS locks only what is open for writing, which a folder cannot be (flock(2)).
        if error.errno not in (errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOLCK):
            raise


def write_keys_file(path: Path) -> None:
    """Writes a new secret key, 32 random bytes in base64, unless the file exists."""
    if not path.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_atomically(path, key + "\n", mode=0o600)


def write_name_file(path: Path) -> None:
    """Writes a new, unique name for the installation, unless the file exists."""
    if not path.exists():
        write_atomically(path, f"local-{secrets.token_hex(4)}\n", mode=0o644)
