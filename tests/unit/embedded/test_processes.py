"""Child processes: their logs are private, and none runs that no pid file identifies."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.embedded.processes import Child, open_log, write_atomically


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """Lets the umask of the process deny nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("there_before", [False, True])
def test_the_log_of_a_child_is_private(tmp_path: Path, there_before: bool) -> None:
    path = tmp_path / "postgres.log"
    if there_before:
        path.write_text("as earlier releases left it\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
    child = Child("echo", ["echo", "a statement"], log_file=path)
    child.start()
    child.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ("as earlier" in path.read_text()) is there_before


def test_the_log_of_a_tool_is_private_and_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "initdb.log"
    path.write_text("before")
    with open_log(path, append=False) as log:
        log.write(b"now")
    assert path.read_text() == "now"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_child_whose_pid_file_cannot_be_written_does_not_run(tmp_path: Path) -> None:
    child = Child(
        "sleeper", ["sleep", "600"], log_file=tmp_path / "log", pid_file=tmp_path / "no" / "pid"
    )
    with pytest.raises(FileNotFoundError):
        child.start()
    assert child.exit_code == -signal.SIGKILL
    (tmp_path / "no").mkdir()
    child.start()
    assert child.running
    child.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "endpoints.json"
    write_atomically(path, "before")
    opened = os.open

    def on_a_full_disk(path: Path, flags: int, mode: int) -> int:
        descriptor, full = opened(path, flags, mode), opened("/dev/full", os.O_WRONLY)
        os.dup2(full, descriptor)
        os.close(full)
        return descriptor

    monkeypatch.setattr(os, "open", on_a_full_disk)
    with pytest.raises(OSError, match="No space left on device") as raised:
        write_atomically(path, "after")
    assert raised.value.filename == str(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
