"""The logs of child processes: only their owner may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.embedded.processes import Child, open_log


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
