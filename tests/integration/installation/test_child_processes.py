"""Child processes end with their parent; the next start ends orphans, and only those."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.embedded.process_ids import ProcessId, end_orphan, until
from postrail.embedded.processes import Child, ChildEndedError

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)",
]

PARENT = """
import sys, threading, time
from pathlib import Path
from postrail.embedded.processes import Child
folder = Path(sys.argv[1])
child = Child("sleeper", ["sleep", "600"], log_file=folder / "log", pid_file=folder / "pid")
# The end of the thread that started the child must not end the child.
starter = threading.Thread(target=child.start)
starter.start()
starter.join()
time.sleep(0.3)
print("running" if child.running else "ended", flush=True)
time.sleep(600)
"""


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process that is not a Child."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def make_child(folder: Path, command: list[str], stop_seconds: float = 10.0) -> Child:
    return Child(
        "sleeper",
        command,
        log_file=folder / "log",
        pid_file=folder / "pid",
        stop_seconds=stop_seconds,
    )


def started(child: Child) -> Child:
    child.start()
    child.wait_until(lambda: "up" in child.log_file.read_text(), 10)
    return child


def test_a_child_stops_at_the_stop_signal(tmp_path: Path) -> None:
    child = started(make_child(tmp_path, SLEEP))
    assert child.running
    child.stop()
    assert child.exit_code == -signal.SIGTERM
    assert not (tmp_path / "pid").exists()


def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    child = started(make_child(tmp_path, STUBBORN, stop_seconds=0.2))
    child.stop()
    assert child.exit_code == -signal.SIGKILL


def test_a_child_that_ends_says_why(tmp_path: Path) -> None:
    child = make_child(tmp_path, [sys.executable, "-c", "raise SystemExit('no space left')"])
    child.start()
    with pytest.raises(ChildEndedError, match="no space left") as raised:
        child.wait_until(lambda: False, 10)
    assert raised.value.exit_code == 1


def test_a_missing_program_says_so(tmp_path: Path) -> None:
    child = make_child(tmp_path, ["/no/such/program"])
    child.start()
    with pytest.raises(ChildEndedError, match="cannot be started"):
        child.wait_until(lambda: False, 10)


def test_children_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "running\n"
        child = ProcessId(**json.loads((tmp_path / "pid").read_text()))
        assert child.alive
        parent.kill()
    assert until(lambda: not child.alive, 10)


def test_an_orphan_is_ended_by_the_next_start(tmp_path: Path) -> None:
    orphan = started(make_child(tmp_path, SLEEP))
    identity = ProcessId.of(orphan.pid)
    # The next start finds it by its pid file only; this thread reaps it.
    reaper = threading.Thread(target=lambda: os.waitpid(orphan.pid, 0))
    reaper.start()
    successor = started(make_child(tmp_path, SLEEP))
    reaper.join()
    assert identity is not None
    assert not identity.alive
    assert successor.running
    successor.stop()
    orphan.stop()


def test_a_recycled_pid_is_left_alone(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(json.dumps({"pid": stranger.pid, "started": "an earlier boot:1"}))
    assert end_orphan(pid_file) is None
    assert stranger.poll() is None
    assert not pid_file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x", "started": ""}', "17"])
def test_a_broken_pid_file_is_ignored(tmp_path: Path, text: str) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(text)
    assert end_orphan(pid_file) is None
    assert not pid_file.exists()
