"""`postrail up` starts, handles mail, stops by Ctrl-C and by kill -9, and starts again."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.notifications.phrases.english import ENGLISH

POSTRAIL = [sys.executable, "-m", "services.cli"]
REPOSITORY = Path(__file__).parents[2]
# Two cores run other tests at the same time.
START_SECONDS = 300.0
END_SECONDS = 60.0

pytestmark = pytest.mark.timeout(400)


class Up:
    """A running `postrail up`, and the lines that it has printed."""

    def __init__(self, data: Path, *options: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [*POSTRAIL, "up", "--data", str(data), *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment() | more,
        )
        self.lines: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arriving.put(line.rstrip())
        self._arriving.put(None)

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> str:
        """Returns the next line that has the pattern."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._arriving.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"not in time {pattern!r}:\n" + "\n".join(self.lines))
            assert line is not None, f"ended without {pattern!r}:\n" + "\n".join(self.lines)
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def close(self) -> None:
        """Closes its output."""
        self._reader.join(END_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end_by(self, number: signal.Signals) -> int:
        """Sends a signal, waits for the end, and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


def environment() -> dict[str, str]:
    """Returns our environment without settings of Postrail."""
    return {name: value for name, value in os.environ.items() if not name.startswith("POSTRAIL_")}


@contextlib.contextmanager
def running(data: Path, *options: str, **environment: str) -> Iterator[Up]:
    up = Up(data, *options, **environment)
    try:
        yield up
    finally:
        up.process.kill()
        up.process.wait()
        up.close()


def postrail(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*POSTRAIL, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def processes_of(data: Path) -> list[str]:
    """Returns the command lines of all processes with the folder in arguments or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            described = command
            with contextlib.suppress(PermissionError):
                described += (entry / "environ").read_bytes()
            if str(data).encode() in described and command:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def wait_until_all_ended(data: Path) -> None:
    deadline = time.monotonic() + END_SECONDS
    while left := processes_of(data):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_the_demo_runs_stops_and_starts_again(own_folder: Path) -> None:
    data = own_folder / "data"
    with running(data, "--demo") as up:
        assert_demo(up)
        assert_message_becomes_an_issue(up, data)
        assert_second_start_is_refused(up, data)
        assert len(processes_of(data)) >= 8
        assert up.end_by(signal.SIGINT) == 0
        assert processes_of(data) == []
    with running(data) as up:
        up.wait_for("Started in")
        assert_issues_are_there(data)
        # The demo's mail server does not run, and no service tries to reach it.
        found = postrail("doctor", "--data", str(data))
        assert found.returncode == 0, found.stdout
        up.process.kill()
        up.process.wait()
        wait_until_all_ended(data)


def assert_demo(up: Up) -> None:
    """Waits for the table with each sample message, its outcome and its notification."""
    up.wait_for("From the mail server to issues")
    for subject, outcome, issue, notified in (
        ("The printer on floor 2", "issue", "DEMO-1", "ada sent"),
        ("Meter readings", "issue", "DEMO-2", "bo sent"),
        ("Please reset my password", "issue", "DEMO-3", "cleo sent"),
        ("Re: The printer", "comment", "DEMO-1", "ada sent"),
        (r"Re: \[DEMO-2\]", "comment", "DEMO-2", "nobody"),
        ("Out of office", "comment", "DEMO-3", "nobody"),
        ("DEMO-1: toner", "comment", "DEMO-1", "ada sent"),
    ):
        up.wait_for(rf"{subject}.*{outcome} .*{issue} .*\d.*{notified}", 5)
    up.wait_for("Ctrl-C stops everything")


def assert_message_becomes_an_issue(up: Up, data: Path) -> None:
    sent = postrail("demo", "send", "No coffee", "The machine is broken.", "--data", str(data))
    assert sent.returncode == 0, sent.stderr
    up.wait_for(r"ada@demo.example: No coffee → issue DEMO-4, \d+ ms", 30)
    up.wait_for("DEMO-4 → notification to ada@demo.example sent", 30)


def assert_second_start_is_refused(up: Up, data: Path) -> None:
    second = postrail("up", "--data", str(data))
    assert second.returncode == 2
    assert f"is in use by process {up.process.pid} since" in second.stderr


def assert_issues_are_there(data: Path) -> None:
    listed = postrail("issues", "list", "--json", "--data", str(data))
    assert listed.returncode == 0, listed.stderr
    keys = {issue["key"] for issue in json.loads(listed.stdout)}
    assert keys == {"DEMO-1", "DEMO-2", "DEMO-3", "DEMO-4"}
    shown = postrail("issues", "show", "DEMO-2", "--json", "--data", str(data))
    (comment,) = json.loads(shown.stdout)["comments"]
    assert comment["body"] == "I forgot: the meter was changed on the 12th."
    assert ENGLISH.marker in comment["quoted_text"]
