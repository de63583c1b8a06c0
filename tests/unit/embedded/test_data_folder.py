"""The data folder: its lock, its name and its secret key."""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import IO

import pytest

from postrail.embedded.data_folder import lock_folder, write_keys_file, write_name_file
from postrail.errors import ConfigurationError
from tests.makers.settings import settings_of


def test_a_locked_folder_names_the_process(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        with pytest.raises(ConfigurationError) as raised:
            lock_folder(tmp_path)
        assert f"process {os.getpid()} since 20" in raised.value.problem
        assert "--data" in raised.value.remedy
    lock_folder(tmp_path).close()


def test_a_folder_stays_locked_when_its_lock_file_is_removed(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        (tmp_path / "lock").unlink()
        with pytest.raises(ConfigurationError, match="is in use by another process"):
            lock_folder(tmp_path)
    lock_folder(tmp_path).close()


def test_a_file_system_that_locks_no_folders_has_the_lock_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def of_files_only(file: int | IO[str], operation: int) -> None:
        if isinstance(file, int):
            raise OSError(errno.EBADF, "as NFS answers")
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", of_files_only)
    with lock_folder(tmp_path), pytest.raises(ConfigurationError, match="is in use by process"):
        lock_folder(tmp_path)


def test_a_folder_keeps_its_unique_name(tmp_path: Path) -> None:
    for name in ("one", "one", "two"):
        write_name_file(tmp_path / name)
    one, two = (tmp_path / name for name in ("one", "two"))
    assert one.read_text() != two.read_text()
    before = one.read_text()
    write_name_file(one)
    assert one.read_text() == before
    assert settings_of({"POSTRAIL_INSTANCE": before.strip()}).instance == before.strip()


def test_the_key_is_written_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    write_keys_file(path)
    first = path.read_text()
    write_keys_file(path)
    assert path.read_text() == first
    assert len(base64.b64decode(first)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
