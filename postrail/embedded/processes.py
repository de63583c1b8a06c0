"""Runs child processes that end with their parent process.

On Linux a child gets a signal when its parent ends, even by SIGKILL. On other systems, or if that
fails, its pid file identifies the process, and the next start ends it (`end_orphan`).
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from postrail.embedded.process_ids import ProcessId, end_orphan, until
from postrail.errors import ConfigurationError, TransientError

LAUNCHER = Path(__file__).with_name("launcher.py")
LOG_TAIL_BYTES = 2000
LOG_MAX_BYTES = 5 * 1024 * 1024


class ChildEndedError(TransientError):
    """A child process ended unexpectedly; the end of its log shows the reason."""

    def __init__(self, name: str, exit_code: int | None, log_file: Path) -> None:
        self.name = name
        self.exit_code = exit_code
        self.log_tail = log_tail(log_file)
        super().__init__(
            f"{name} ended with exit code {exit_code}: {self.log_tail}",
            remedy=f"Its log is {log_file}",
        )


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replaces the file in one step, so that a reader never sees a part of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        # A write that fails, as on a full disk, does not name its file.
        error.filename = error.filename or str(path)
        raise


def open_log(path: Path, *, append: bool = True) -> IO[bytes]:
    """Opens a log for writing, which only its owner may read: it may quote messages."""
    more = os.O_APPEND if append else os.O_TRUNC
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | more, 0o600)
    # Earlier releases left it open for all.
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")


def log_tail(log_file: Path, max_bytes: int = LOG_TAIL_BYTES) -> str:
    """Returns the end of a log file, for an error message."""
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, log_file.stat().st_size - max_bytes))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


class Spawner:
    """Starts all children in one thread that lives as long as the process.

    Linux sends the parent-death signal when the *thread* that started the child ends (prctl(2)).
    """

    def __init__(self) -> None:
        self._orders: queue.Queue[tuple[Callable[[], Any], queue.Queue[Any]]] = queue.Queue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def call(self, make: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Runs `make` in that thread; raises what it raises."""
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="spawner", daemon=True)
                self._thread.start()
        answer: queue.Queue[Any] = queue.Queue()
        self._orders.put((make, answer))
        result = answer.get()
        if isinstance(result, subprocess.Popen):
            return result
        raise result

    def _run(self) -> None:
        while True:
            make, answer = self._orders.get()
            try:
                answer.put(make())
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                answer.put(error)


_SPAWNER = Spawner()


class Child:
    """One child process with a log file and a pid file, in a session of its own.

    Due to its own session, Ctrl-C in the terminal reaches only the parent, which then stops the
    children in order. `environment` replaces the parent's, None passes that on. The child gets
    `death_signal` when the parent ends without stopping it; by default the stop signal. With
    `whole_group`, signals also go to the child's own children.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        pid_file: Path | None = None,
        working_folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 20.0,
        death_signal: signal.Signals | None = None,
        whole_group: bool = False,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log_file = log_file
        self._pid_file = pid_file
        self._working_folder = working_folder
        self._environment = environment
        self._stop_signal = stop_signal
        self._stop_seconds = stop_seconds
        self._death_signal = death_signal or stop_signal
        self._whole_group = whole_group
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the child; raises ConfigurationError when it was never started."""
        if self._process is None:
            raise ConfigurationError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tells whether the child was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: ended by that signal); None while it runs or before."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Ends a process that an earlier run left behind, then starts the child."""
        if self.running:
            return
        if self._pid_file is not None:
            end_orphan(self._pid_file)
        self._process = _SPAWNER.call(self._popen)
        try:
            self._write_pid_file(self._process.pid)
        except OSError:
            # Without its pid file, the next run could not find it.
            self.kill()
            raise

    def _write_pid_file(self, pid: int) -> None:
        if self._pid_file is not None and (identity := ProcessId.of(pid)):
            write_atomically(self._pid_file, json.dumps(asdict(identity)))

    def _popen(self) -> subprocess.Popen[bytes]:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_MAX_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        wrapped = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        with open_log(self.log_file) as log:
            return subprocess.Popen(
                [*wrapped, str(int(self._death_signal)), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._working_folder,
                env=None if self._environment is None else dict(self._environment),
                start_new_session=True,
            )

    def wait_until(self, condition: Callable[[], bool], wait_seconds: float) -> None:
        """Waits for the condition; raises ChildEndedError when the child ends or takes too long."""
        until(lambda: not self.running or condition(), wait_seconds)
        if not self.running or not condition():
            raise ChildEndedError(self.name, self.exit_code, self.log_file)

    def stop(self) -> None:
        """Sends the stop signal, waits, and sends SIGKILL if the child still runs."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._send(self._process, self._stop_signal)
            try:
                self._process.wait(self._stop_seconds)
            except subprocess.TimeoutExpired:
                self._send(self._process, signal.SIGKILL)
                self._process.wait()
        self._forget()

    def kill(self) -> None:
        """Ends the child at once, by SIGKILL."""
        if self._process is not None:
            self._send(self._process, signal.SIGKILL)
            self._process.wait()
            self._forget()

    def _send(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        if self._whole_group and process.poll() is None:
            # The child leads a session, so its group has its pid.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

    def _forget(self) -> None:
        if self._pid_file is not None:
            self._pid_file.unlink(missing_ok=True)
